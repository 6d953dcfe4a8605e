# Tests in the form of the Test Anything Protocol: sourced by the tests of each service.
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

# Exit code of a command whose output does not matter.
status() {
    "$@" >/dev/null 2>&1
    echo $?
}

# The plan line; fails if a test did.
end() {
    echo "1..$count"
    [ "$failed" -eq 0 ]
}
