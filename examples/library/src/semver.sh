# Semantic versions (https://semver.org, 2.0.0) for POSIX shells: sourced, never run. Every function begins with `semver_`.

# semver_valid TEXT: whether it is a version MAJOR.MINOR.PATCH with or without a pre-release; build metadata is not taken.
semver_valid() {
    case $1 in
        *-*) semver__core "${1%%-*}" && semver__pre "${1#*-}" ;;
        *) semver__core "$1" ;;
    esac
}

# semver_compare A B: prints -1, 0 or 1 as A comes before, with or after B (section 11).
semver_compare() {
    semver_valid "$1" && semver_valid "$2" || return 1
    semver__left=${1%%-*} semver__right=${2%%-*}
    for semver__at in 1 2 3; do
        semver__a=${semver__left%%.*} semver__b=${semver__right%%.*}
        semver__left=${semver__left#*.} semver__right=${semver__right#*.}
        if [ "$semver__a" -ne "$semver__b" ]; then
            semver__sign "$semver__a" "$semver__b"
            return 0
        fi
    done
    case $1/$2 in
        *-*/*-*) semver__compare_pre "${1#*-}" "${2#*-}" ;;
        *-*/*) echo -1 ;;
        */*-*) echo 1 ;;
        *) echo 0 ;;
    esac
}

# semver_bump PART VERSION: the next version by `major`, `minor` or `patch`; a pre-release becomes its release.
semver_bump() {
    semver_valid "$2" || return 1
    semver__core=${2%%-*}
    semver__major=${semver__core%%.*} semver__rest=${semver__core#*.}
    semver__minor=${semver__rest%%.*} semver__patch=${semver__rest#*.}
    case $1/$2 in
        patch/*-*) echo "$semver__core" ;;
        major/*) echo "$((semver__major + 1)).0.0" ;;
        minor/*) echo "$semver__major.$((semver__minor + 1)).0" ;;
        patch/*) echo "$semver__major.$semver__minor.$((semver__patch + 1))" ;;
        *) return 1 ;;
    esac
}

semver__number() {
    case $1 in
        '' | *[!0-9]* | 0?*) return 1 ;;
    esac
}

semver__core() {
    case $1 in
        *.*.*.*) return 1 ;;
        *.*.*) ;;
        *) return 1 ;;
    esac
    semver__tail=${1#*.}
    semver__number "${1%%.*}" && semver__number "${semver__tail%%.*}" && semver__number "${semver__tail#*.}"
}

semver__pre() {
    semver__list=$1.
    while [ -n "$semver__list" ]; do
        semver__item=${semver__list%%.*}
        semver__list=${semver__list#*.}
        case $semver__item in
            '' | *[!0-9A-Za-z-]*) return 1 ;;
            *[!0-9]*) ;;
            0?*) return 1 ;;
        esac
    done
}

# Identifiers left to right: numbers by value, texts by their bytes, numbers before texts, fewer before more.
semver__compare_pre() {
    semver__left=$1. semver__right=$2.
    while [ -n "$semver__left" ] && [ -n "$semver__right" ]; do
        semver__a=${semver__left%%.*} semver__b=${semver__right%%.*}
        semver__left=${semver__left#*.} semver__right=${semver__right#*.}
        [ "$semver__a" = "$semver__b" ] && continue
        if semver__number "$semver__a"; then
            semver__number "$semver__b" && semver__sign "$semver__a" "$semver__b" || echo -1
        elif semver__number "$semver__b"; then
            echo 1
        elif LC_ALL=C expr "x$semver__a" '<' "x$semver__b" >/dev/null; then
            echo -1
        else
            echo 1
        fi
        return 0
    done
    semver__sign "${#semver__left}" "${#semver__right}"
}

semver__sign() {
    if [ "$1" -lt "$2" ]; then echo -1; elif [ "$1" -gt "$2" ]; then echo 1; else echo 0; fi
}
