#!/bin/sh
# The payments service: what a payment costs, and whether it is taken.
#
#   payments.sh fee CENTS                the fee for an amount, in cents
#   payments.sh check-iban IBAN          succeeds if the check digits are right (ISO 13616)
#   payments.sh authorise IBAN CENTS     `accepted FEE` or `declined REASON`
#   payments.sh handle                   one HTTP request on stdin, its answer on stdout
#   payments.sh serve                    one `handle` for each connection (needs an `nc` with -e)
#
# Amounts are whole cents, so that no sum is ever rounded twice.
set -eu
LC_ALL=C
export LC_ALL

: "${PAYMENTS_PORT:=8080}"
: "${PAYMENTS_LIMIT_CENTS:=500000}"
: "${PAYMENTS_FEE_BASIS_POINTS:=140}"
: "${PAYMENTS_FEE_FIXED_CENTS:=25}"

# Whether a text is an amount: digits only, no more of them than the arithmetic of any shell can hold.
is_amount() {
    case $1 in
        '' | *[!0-9]* | ?????????????*) return 1 ;;
        0?*) return 1 ;;
    esac
}

# A share of the amount, rounded half up, and a fixed part.
fee() {
    echo $((($1 * PAYMENTS_FEE_BASIS_POINTS + 5000) / 10000 + PAYMENTS_FEE_FIXED_CENTS))
}

# ISO 13616: the first four characters go to the end, letters become numbers from 10, the rest modulo 97 is 1.
check_iban() {
    case $1 in
        [A-Z][A-Z][0-9][0-9]???????????*) ;;
        *) return 1 ;;
    esac
    rest=${1#????}${1%"${1#????}"}
    sum=0
    while [ -n "$rest" ]; do
        tail=${rest#?}
        character=${rest%"$tail"}
        rest=$tail
        case $character in
            [0-9]) sum=$(((sum * 10 + character) % 97)) ;;
            [A-Z]) sum=$(((sum * 100 + $(printf '%d' "'$character") - 55) % 97)) ;;
            *) return 1 ;;
        esac
    done
    [ "$sum" -eq 1 ]
}

authorise() {
    if ! check_iban "$1"; then
        echo "declined bad-iban"
    elif ! is_amount "$2" || [ "$2" -eq 0 ]; then
        echo "declined bad-amount"
    elif [ "$2" -gt "$PAYMENTS_LIMIT_CENTS" ]; then
        echo "declined over-limit"
    else
        echo "accepted $(fee "$2")"
    fi
}

answer() {
    printf 'HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n' \
        "$1" "$((${#2} + 1))" "$2"
}

# Paths: GET /healthz, GET /fee/CENTS, POST /payments/IBAN/CENTS.
handle() {
    read -r method path _ || return 0
    case "$method $path" in
        "GET /healthz") answer "200 OK" "ok" ;;
        "GET /fee/"*)
            amount=${path#/fee/}
            if is_amount "$amount"; then
                answer "200 OK" "$(fee "$amount")"
            else
                answer "400 Bad Request" "an amount is a whole number of cents"
            fi
            ;;
        "POST /payments/"*/*)
            order=${path#/payments/}
            answer "200 OK" "$(authorise "${order%%/*}" "${order#*/}")"
            ;;
        *) answer "404 Not Found" "no such path" ;;
    esac
}

case ${1-} in
    fee) is_amount "${2-}" && fee "$2" ;;
    check-iban) check_iban "${2-}" ;;
    authorise) authorise "${2-}" "${3-}" ;;
    handle) handle ;;
    serve) exec nc -lk -p "$PAYMENTS_PORT" -e /bin/sh "$0" handle ;;
    *)
        echo "usage: payments.sh fee|check-iban|authorise|handle|serve" >&2
        exit 64
        ;;
esac
