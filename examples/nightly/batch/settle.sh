#!/bin/sh
# The nightly settlement: reads a day's bookings, one `ACCOUNT CENTS` a line, and writes what each account gets.
#
#   settle.sh FOLDER     reads FOLDER/*.txt; amounts below SETTLE_MINIMUM_CENTS wait for another day
set -eu
: "${SETTLE_MINIMUM_CENTS:=100}"

folder=${1:?usage: settle.sh FOLDER}
accounts=
for file in "$folder"/*.txt; do
    [ -f "$file" ] || continue
    while read -r account cents _; do
        case $account/$cents in
            '/' | '#'*) continue ;;
            *[!A-Z0-9/-]*)
                echo "$file: not a booking: $account $cents" >&2
                exit 1
                ;;
        esac
        case ${cents#-} in
            '' | *[!0-9]* | 0?*)
                echo "$file: not an amount: $account $cents" >&2
                exit 1
                ;;
        esac
        case $account in
            *-*)
                echo "$file: not an account: $account" >&2
                exit 1
                ;;
        esac
        # One variable for each account: a POSIX shell has no arrays, and an account is letters and digits by now.
        eval "sum=\${sum_$account:-}"
        [ -n "$sum" ] || accounts="$accounts $account"
        eval "sum_$account=$((${sum:-0} + cents))"
    done <"$file"
done

for account in $accounts; do
    eval "sum=\$sum_$account"
    if [ "$sum" -ge "$SETTLE_MINIMUM_CENTS" ]; then
        echo "pay $account $sum"
    else
        echo "keep $account $sum"
    fi
done
