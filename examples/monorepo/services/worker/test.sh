#!/bin/sh
# Tests of the worker. Run from the project's folder: sh services/worker/test.sh
set -u
SHOP_LIBS=libs
export SHOP_LIBS
. libs/tap.sh

worker() {
    printf '%s\n' "$@" | sh services/worker/worker.sh
}

is "one order is its price" "A1 12.50" "$(worker "A1 1 12.50")"
is "quantities count" "A1 37.50" "$(worker "A1 3 12.50")"
is "orders of one SKU are added" "A1 15.00" "$(worker "A1 1 12.50" "A1 1 2.50")"
is "SKUs stay in order" "B2 1.00
A1 2.00" "$(worker "B2 1 1.00" "A1 1 2.00")"
is "comments are passed over" "A1 1.00" "$(worker "# today" "A1 1 1.00")"
is "no orders have no totals" "" "$(worker "")"
is "a bad price stops" 1 "$(status worker "A1 1 one")"
is "a bad quantity stops" 1 "$(status worker "A1 0 1.00")"
is "a SKU cannot be a command" 1 "$(status worker 'A;ls 1 1.00')"
end
