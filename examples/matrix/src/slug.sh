# A title as part of a URL: slug "Hello, World!" prints hello-world.
slug() {
    printf '%s' "${1:-}" | tr 'A-Z' 'a-z' | tr -c 'a-z0-9' '-' | tr -s '-' | sed 's/^-//; s/-$//'
}
