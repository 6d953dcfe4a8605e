#!/bin/sh
# Tests of the library, in the form of the Test Anything Protocol. $1 is the file to test.
set -u
. "$1"
count=0
failed=0

is() {
    count=$((count + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $count - $1"
    else
        failed=$((failed + 1))
        echo "not ok $count - $1 (wanted $2, found $3)"
    fi
}

status() {
    "$@" >/dev/null
    echo $?
}

for good in 0.0.0 1.2.3 10.20.30 1.0.0-alpha 1.0.0-alpha.1 1.0.0-0.3.7 1.0.0-x-y-z; do
    is "$good is a version" 0 "$(status semver_valid "$good")"
done
for bad in "" 1 1.2 1.2.3.4 01.2.3 1.2.x 1.0.0- 1.0.0-a..b 1.0.0-01 v1.2.3; do
    is "'$bad' is none" 1 "$(status semver_valid "$bad")"
done

# The order of section 11 of the specification: each comes before the next one.
before=
for version in 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.0.0 2.1.0 2.1.1; do
    is "$version is itself" 0 "$(semver_compare "$version" "$version")"
    if [ -n "$before" ]; then
        is "$before comes before $version" -1 "$(semver_compare "$before" "$version")"
        is "$version comes after $before" 1 "$(semver_compare "$version" "$before")"
    fi
    before=$version
done
is "a version with nothing has no order" 1 "$(status semver_compare 1.0.0 "")"

is "a patch" 1.2.4 "$(semver_bump patch 1.2.3)"
is "a minor version" 1.3.0 "$(semver_bump minor 1.2.3)"
is "a major version" 2.0.0 "$(semver_bump major 1.2.3)"
is "a release of a pre-release" 1.2.3 "$(semver_bump patch 1.2.3-rc.1)"
is "another part is refused" 1 "$(status semver_bump build 1.2.3)"

echo "1..$count"
[ "$failed" -eq 0 ]
