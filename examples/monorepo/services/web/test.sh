#!/bin/sh
# Tests of the pages: each has a title, and every page that a link names is there.
# Run from the project's folder: sh services/web/test.sh
set -u
. libs/tap.sh
site=services/web/site

# The file names in `href` of a page.
links() {
    grep 'href="' "$1" | while IFS= read -r line; do
        target=${line#*href=\"}
        echo "${target%%\"*}"
    done
}

for page in "$site"/*.html; do
    is "${page##*/} has a title" 0 "$(status grep '<title>..*</title>' "$page")"
    for target in $(links "$page"); do
        is "${page##*/} links to $target, which exists" 0 "$(status test -f "$site/$target")"
    done
done
end
