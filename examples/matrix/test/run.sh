# Runs the cases of a file: lines INPUT|EXPECTED. Prints the number of those that hold into the file $PASSED.
. src/slug.sh
passed=0
failed=0
while IFS='|' read -r input expected; do
    found=$(slug "$input")
    if [ "$found" = "$expected" ]; then
        passed=$((passed + 1))
        printf 'ok %s\n' "$input"
    else
        failed=$((failed + 1))
        printf 'not ok %s: %s instead of %s\n' "$input" "$found" "$expected"
    fi
done < "test/$SET.txt"
printf '%s' "$passed" > "$PASSED"
[ "$failed" -eq 0 ]
