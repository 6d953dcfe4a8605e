#!/bin/sh
# Tests of the API. Run from the project's folder: sh services/api/test.sh
set -u
SHOP_LIBS=libs
export SHOP_LIBS
. libs/tap.sh
. libs/money.sh

api() {
    sh services/api/api.sh "$@"
}

request() {
    printf '%s HTTP/1.1\r\n\r\n' "$1" | api handle | {
        last=
        while IFS= read -r line; do last=$line; done
        printf '%s\n' "$last"
    }
}

is "whole amounts are read" 1200 "$(cents 12)"
is "one decimal is read" 1250 "$(cents 12.5)"
is "two decimals are read" 1209 "$(cents 12.09)"
is "leading zeros are decimal" 808 "$(cents 008.08)"
is "three decimals are refused" 1 "$(status cents 1.005)"
is "amounts are shown with two decimals" 0.05 "$(show 5)"
is "tax is added" 11.90 "$(api gross 10)"
is "tax is rounded half up" 0.06 "$(api gross 0.05)"
is "what is no price is refused" 1 "$(status api gross ten)"
is "health is answered" ok "$(request "GET /healthz")"
is "a price is answered" 23.80 "$(request "GET /gross/20.00")"
is "another path is not found" "no such path" "$(request "GET /")"
end
