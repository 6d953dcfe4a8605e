//! What `use` names: a folder, or a git repository at a revision. Pure functions on the text.

/// A module's place as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Path(String),
    Git(Pin),
}

/// A git repository at a revision: a commit id, or a name that the lock file gives a commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pin {
    /// As written, without `git+`.
    pub url: String,
    pub reference: String,
}

impl Pin {
    pub fn shown(&self) -> String {
        format!("git+{}#{}", self.url, self.reference)
    }
}

/// Why a text is no address: what is wrong, and what to write.
#[derive(Debug)]
pub struct Wrong {
    pub what: &'static str,
    pub help: &'static str,
}

const FORM: &str = "a git repository is written `git+URL#COMMIT`";

/// The address that a text stands for.
pub fn parse(text: &str) -> Result<Address, Wrong> {
    let wrong = |what: &'static str, help: &'static str| Err(Wrong { what, help });
    let Some(rest) = text.strip_prefix("git+") else {
        if text.contains("://") || text.starts_with("git@") {
            return wrong("the address of a repository without `git+`", FORM);
        }
        if text.starts_with('/') || text.contains('\\') {
            return wrong("no path below the project's folder", "write it with `/`, as seen from this spec's folder");
        }
        return Ok(Address::Path(text.to_owned()));
    };
    let Some((url, reference)) = rest.rsplit_once('#').filter(|(_, reference)| !reference.is_empty()) else {
        return wrong("the repository has no revision", "add `#` and the commit id, or a tag or branch");
    };
    if url.is_empty() {
        return wrong("the address of the repository is missing", FORM);
    }
    let hex = reference.chars().all(|c| c.is_ascii_hexdigit()) && reference.chars().any(|c| c.is_ascii_digit());
    if hex && reference.len() >= 7 && !is_commit(reference) {
        return wrong("this is not a whole commit id", "write all 40 characters, in lower case");
    }
    if !is_commit(reference) && !is_ref(reference) {
        return wrong("this cannot be a revision", "write a commit id, a tag or a branch behind the `#`");
    }
    Ok(Address::Git(Pin { url: url.to_owned(), reference: reference.to_owned() }))
}

/// Whether a text is a full commit id, of SHA-1 or SHA-256.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

/// Whether a text may be the name of a branch or tag (a part of what `git check-ref-format` allows).
fn is_ref(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with(['.']);
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+'))
        && text.split('/').all(part)
        && !text.contains("..")
        && !text.ends_with(".lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_paths_or_pinned_repositories() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let pin = |text: &str| match parse(text) {
            Ok(Address::Git(pin)) => Some((pin.url, pin.reference)),
            Ok(Address::Path(_)) | Err(_) => None,
        };
        assert_eq!(parse("ci/catalog").ok(), Some(Address::Path("ci/catalog".into())));
        assert_eq!(pin(&format!("git+file:///a.git#{commit}")), Some(("file:///a.git".into(), commit.into())));
        assert_eq!(pin("git+../a.git#release/1.x"), Some(("../a.git".into(), "release/1.x".into())));
        for wrong in ["git+file:///a.git", "git+#v1", "git+a#0123456", "https://a#v1", "/a", "git+a#a..b", "git+a#-x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
