#!/bin/sh
# Tests of the payments service, in the form of the Test Anything Protocol: `ok 1 - what was seen`.
# Exit code 0 if all passed.
set -u
here=${0%/*}
[ "$here" = "$0" ] && here=.
count=0
failed=0

# is WHAT WANTED FOUND
is() {
    count=$((count + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $count - $1"
    else
        failed=$((failed + 1))
        echo "not ok $count - $1"
        echo "#   wanted: $2"
        echo "#    found: $3"
    fi
}

payments() {
    sh "$here/payments.sh" "$@"
}

status() {
    "$@" >/dev/null 2>&1
    echo $?
}

request() {
    printf '%s HTTP/1.1\r\nHost: payments\r\n\r\n' "$1" | payments handle | tail_line
}

# The last line that is read: the body of an answer.
tail_line() {
    last=
    while IFS= read -r line; do last=$line; done
    printf '%s\n' "$last"
}

is "a fee has a share and a fixed part" 165 "$(payments fee 10000)"
is "a fee is rounded half up" 32 "$(payments fee 465)"
is "nothing costs the fixed part" 25 "$(payments fee 0)"
is "the share can be set" 75 "$(PAYMENTS_FEE_BASIS_POINTS=50 payments fee 10000)"
is "an amount has no sign" 1 "$(status payments fee -5)"
is "an amount has no decimals" 1 "$(status payments fee 1.50)"

is "a right IBAN passes" 0 "$(status payments check-iban DE89370400440532013000)"
is "an IBAN with letters passes" 0 "$(status payments check-iban GB82WEST12345698765432)"
is "a wrong digit is seen" 1 "$(status payments check-iban DE89370400440532013001)"
is "swapped digits are seen" 1 "$(status payments check-iban DE98370400440532013000)"
is "an empty IBAN is none" 1 "$(status payments check-iban "")"

is "a payment is accepted with its fee" "accepted 165" "$(payments authorise DE89370400440532013000 10000)"
is "a payment to a wrong IBAN is declined" "declined bad-iban" "$(payments authorise DE00370400440532013000 10000)"
is "a payment of nothing is declined" "declined bad-amount" "$(payments authorise DE89370400440532013000 0)"
is "a payment over the limit is declined" "declined over-limit" "$(payments authorise DE89370400440532013000 500001)"

is "health is answered" "ok" "$(request "GET /healthz")"
is "a payment is taken over HTTP" "accepted 165" "$(request "POST /payments/DE89370400440532013000/10000")"
is "a fee is answered over HTTP" "165" "$(request "GET /fee/10000")"
is "another path is not found" "no such path" "$(request "GET /admin")"
is "an unknown command is refused" 64 "$(status payments refund)"

echo "1..$count"
[ "$failed" -eq 0 ]
