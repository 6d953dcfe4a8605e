# Money in whole cents: sourced by the services, never run.

# cents TEXT: `12.50` as 1250; fails on what is no amount with at most two decimals.
cents() {
    case $1 in
        '' | *[!0-9.]* | *.*.* | .* | *. | *.???*) return 1 ;;
        *.??) set -- "${1%.*}" "${1#*.}" ;;
        *.?) set -- "${1%.*}" "${1#*.}0" ;;
        *) set -- "$1" 00 ;;
    esac
    # A leading zero would be read as an octal number.
    while [ "${1#0}" != "$1" ] && [ -n "${1#0}" ]; do set -- "${1#0}" "$2"; done
    echo $(($1 * 100 + 1${2} - 100))
}

# show CENTS: 1250 as `12.50`.
show() {
    printf '%d.%02d\n' $(($1 / 100)) $(($1 % 100))
}
