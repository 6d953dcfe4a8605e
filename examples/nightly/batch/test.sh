#!/bin/sh
# Runs settle.sh over each folder of cases and compares with its file `expected`.
set -u
count=0
failed=0
for case in batch/cases/*/; do
    count=$((count + 1))
    wanted=$(cat "$case/expected")
    found=$(sh batch/settle.sh "$case" 2>/dev/null) || found=fails
    if [ "$wanted" = "$found" ]; then
        echo "ok $count - $case"
    else
        failed=$((failed + 1))
        printf 'not ok %d - %s\n# wanted:\n%s\n# found:\n%s\n' "$count" "$case" "$wanted" "$found"
    fi
done
echo "1..$count"
[ "$failed" -eq 0 ]
