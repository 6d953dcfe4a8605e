#!/bin/sh
# The shop's API: one HTTP request on stdin, its answer on stdout (`handle`), or a listener for many (`serve`).
set -eu
: "${SHOP_LIBS:=/app/libs}"
: "${SHOP_PORT:=8080}"
: "${SHOP_VAT_PERCENT:=19}"
. "$SHOP_LIBS/money.sh"

# gross NET: with value added tax, rounded half up.
gross() {
    net=$(cents "$1") || return 1
    show $(((net * (100 + SHOP_VAT_PERCENT) + 50) / 100))
}

answer() {
    printf 'HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n' \
        "$1" "$((${#2} + 1))" "$2"
}

handle() {
    read -r method path _ || return 0
    case "$method $path" in
        "GET /healthz") answer "200 OK" "ok" ;;
        "GET /gross/"*)
            if price=$(gross "${path#/gross/}"); then
                answer "200 OK" "$price"
            else
                answer "400 Bad Request" "a price looks like 12.50"
            fi
            ;;
        *) answer "404 Not Found" "no such path" ;;
    esac
}

case ${1-} in
    gross) gross "${2-}" ;;
    handle) handle ;;
    serve) exec nc -lk -p "$SHOP_PORT" -e /bin/sh "$0" handle ;;
    *)
        echo "usage: api.sh gross|handle|serve" >&2
        exit 64
        ;;
esac
