#!/bin/sh
# Adds up orders: lines `SKU QUANTITY PRICE` on stdin, one total for each SKU on stdout, in the order they came.
set -eu
: "${SHOP_LIBS:=/app/libs}"
. "$SHOP_LIBS/money.sh"

seen=
while read -r sku quantity price; do
    case $sku in
        '' | '#'*) continue ;;
        *[!A-Za-z0-9]*)
            echo "bad SKU: $sku" >&2
            exit 1
            ;;
    esac
    case $quantity in
        '' | *[!0-9]* | 0*)
            echo "bad quantity of $sku: $quantity" >&2
            exit 1
            ;;
    esac
    if ! amount=$(cents "$price"); then
        echo "bad price of $sku: $price" >&2
        exit 1
    fi
    # One variable for each SKU: a POSIX shell has no arrays.
    eval "total=\${total_$sku:-}"
    [ -n "$total" ] || seen="$seen $sku"
    eval "total_$sku=$((${total:-0} + quantity * amount))"
done

for sku in $seen; do
    eval "total=\$total_$sku"
    echo "$sku $(show "$total")"
done
