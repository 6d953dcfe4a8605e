//! Patterns of `inputs`, over paths of a repository.
//!
//! **Invariant:** pure; no pattern takes more than polynomial time.
//! Not here: walking trees.

/// Whether `path` is one of the files that the patterns name; no patterns name every file. `*`, `?` and `[…]` stay
/// within a segment, `**` is any number of segments, and a pattern that names a folder names all below it.
pub fn matches(patterns: &[String], path: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches_one(pattern, path))
}

/// Whether `path` or a folder above it is what the pattern names.
pub(crate) fn matches_one(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    if pattern.is_empty() || pattern == "." {
        return true;
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    // `reached[i]`: the pattern up to i matches the path read so far.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    skip_stars(&pattern, &mut reached);
    for segment in path {
        let mut next = vec![false; pattern.len() + 1];
        for (idx, part) in pattern.iter().enumerate() {
            if reached[idx] && *part == "**" {
                next[idx] = true;
                next[idx + 1] |= idx + 1 == pattern.len();
            } else if reached[idx] && matches_segment(part, segment) {
                next[idx + 1] = true;
            }
        }
        skip_stars(&pattern, &mut next);
        // The whole pattern matched a folder or the file itself.
        if next[pattern.len()] {
            return true;
        }
        reached = next;
    }
    false
}

/// `**` may stand for no segment at all, but not at the end: `a/**` is what lies below `a`.
fn skip_stars(pattern: &[&str], reached: &mut [bool]) {
    for (idx, part) in pattern.iter().enumerate() {
        let last = idx + 1 == pattern.len();
        if reached[idx] && *part == "**" && !last {
            reached[idx + 1] = true;
        }
    }
}

/// One place of a segment's pattern.
enum Part {
    Many,
    One,
    Char(char),
    /// `[a-z]`, `[!a-z]` or `[^a-z]`.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Part {
    fn takes(&self, ch: char) -> bool {
        match self {
            Part::Many | Part::One => true,
            Part::Char(own) => *own == ch,
            Part::Class { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&ch)) != *negated,
        }
    }
}

/// A `[` without an end is a character like any other.
fn parts(pattern: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut chars = pattern.chars();
    while let Some(ch) = chars.next() {
        out.push(match ch {
            '*' => Part::Many,
            '?' => Part::One,
            '\\' => Part::Char(chars.next().unwrap_or('\\')),
            '[' => match class(chars.as_str()) {
                Some((class, rest)) => {
                    chars = rest.chars();
                    class
                }
                None => Part::Char('['),
            },
            ch => Part::Char(ch),
        });
    }
    out
}

/// What stands behind a `[`, and what follows the `]`.
fn class(text: &str) -> Option<(Part, &str)> {
    let body = text.strip_prefix(['!', '^']).unwrap_or(text);
    // A `]` right at the beginning belongs to the class.
    let skip = usize::from(body.starts_with(']'));
    let end = body[skip..].find(']')? + skip;
    let chars: Vec<char> = body[..end].chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let to = if chars.get(at + 1) == Some(&'-') && at + 2 < chars.len() { at + 2 } else { at };
        ranges.push((chars[at], chars[to]));
        at = to + 1;
    }
    Some((Part::Class { negated: body.len() < text.len(), ranges }, &body[end + 1..]))
}

/// Whether a pattern without `/` matches a name as a whole.
pub(crate) fn matches_segment(pattern: &str, segment: &str) -> bool {
    let pattern = parts(pattern);
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    let spread = |reached: &mut Vec<bool>| {
        for (idx, part) in pattern.iter().enumerate() {
            if reached[idx] && matches!(part, Part::Many) {
                reached[idx + 1] = true;
            }
        }
    };
    spread(&mut reached);
    for ch in segment.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (idx, part) in pattern.iter().enumerate() {
            if reached[idx] && part.takes(ch) {
                let to = if matches!(part, Part::Many) { idx } else { idx + 1 };
                next[to] = true;
            }
        }
        spread(&mut next);
        reached = next;
    }
    reached[pattern.len()]
}

#[cfg(test)]
mod tests {
    use super::matches_one;

    #[test]
    fn patterns() {
        for (pattern, path, expected) in [
            ("services/api/**", "services/api/a.sh", true),
            ("services/api/**", "services/api/x/y/z", true),
            ("services/api/**", "services/api", false),
            ("services/api/**", "services/apis/a", false),
            ("services/api", "services/api/a", true),
            ("services/api/", "services/api/a", true),
            ("./services", "services/api/a", true),
            ("**", "a", true),
            ("**/*.go", "main.go", true),
            ("**/*.go", "a/b/main.go", true),
            ("**/*.go", "a/b/main.rs", false),
            ("*.go", "a/main.go", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "a/x/y/c", false),
            ("a?c*", "abcde", true),
            ("a?c*", "ac", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            (".", "x", true),
            ("[a-c]x[!0-9]", "bxy", true),
            ("[a-c]x[!0-9]", "bx1", false),
            ("[]x]", "]", true),
            ("a[", "a[", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
        ] {
            assert_eq!(matches_one(pattern, path), expected, "{pattern} on {path}");
        }
    }
}
