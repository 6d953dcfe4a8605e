//! Values with a unit, from text. Pure functions; `None` means that the text is not one.

/// Seconds of `1h30m`, `90s`, `2d`; a bare number has no unit and is none.
pub fn duration_seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text.trim();
    let mut last = u64::MAX;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.get(digits..)?.chars().next()? {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        last = unit;
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    Some(total)
}

/// Seconds as `1h30m`.
pub fn show_seconds(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut text = String::new();
    for (size, unit) in units {
        if rest / size > 0 {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// Whether a text is a Kubernetes quantity: a decimal number and a suffix (`k8s.io/apimachinery/pkg/api/resource`).
pub fn is_quantity(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &text[..text.len() - digits.len()];
    let suffixes = ["", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "u", "n"];
    !number.is_empty() && number != "." && number.matches('.').count() <= 1 && suffixes.contains(&digits)
}

/// A quantity as a number, for comparing two of them.
pub fn quantity_value(text: &str) -> Option<f64> {
    let suffix = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = text[..text.len() - suffix.len()].parse().ok()?;
    let powers = ["", "k", "M", "G", "T", "P", "E"];
    let binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let power = |list: &[&str], base: f64| {
        list.iter().zip(0..).find(|(name, _)| **name == suffix).map(|(_, power)| base.powi(power))
    };
    let small = [("m", 1e-3), ("u", 1e-6), ("n", 1e-9)].iter().find(|(name, _)| *name == suffix).map(|(_, unit)| *unit);
    power(&powers, 1000.0).or(power(&binary, 1024.0)).or(small).map(|unit| number * unit)
}

/// 0 to 100 from `25` or `25%`.
pub fn percent(text: &str) -> Option<u32> {
    let number: u32 = text.strip_suffix('%').unwrap_or(text).trim().parse().ok()?;
    (number <= 100).then_some(number)
}

/// Letters, digits and `-`, from a letter to a letter or digit, at most 63: what is part of a Pod's name too.
pub fn is_name(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let inner = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    first && inner && !text.ends_with('-') && text.len() <= 63
}

/// Letters, digits, `-` and `_`, from a letter or `_`.
pub fn is_word(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// A path below the root: relative, `/` between parts, no `..`.
pub fn is_path(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('/')
        && !text.contains('\\')
        && !text.contains('\0')
        && text.split('/').all(|part| part != "..")
}

/// A path without `.` and empty parts.
pub fn clean_path(text: &str) -> String {
    text.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// Whether a text is `[HOST[:PORT]/]NAME[:TAG][@DIGEST]` (the distribution specification); expressions are not judged.
pub fn is_image(text: &str) -> bool {
    if text.contains("${") {
        return true;
    }
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let (folder, last) = rest.rsplit_once('/').map_or(("", rest), |(folder, last)| (folder, last));
    let (name, tag) = last.split_once(':').map_or((last, None), |(name, tag)| (name, Some(tag)));
    let part = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        part.chars().all(inner)
            && !part.is_empty()
            && !part.starts_with(['.', '_', '-'])
            && !part.ends_with(['.', '_', '-'])
    };
    let host = |host: &str| {
        let (name, port) = host.split_once(':').unwrap_or((host, "0"));
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        name.chars().all(inner) && !name.is_empty() && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
    };
    if text.starts_with('/') {
        return false;
    }
    let mut folders = folder.split('/').filter(|_| !folder.is_empty());
    folders.next().is_none_or(|first| part(first) || host(first))
        && folders.all(part)
        && (part(name) || (folder.is_empty() && tag.is_none() && name.contains('.') && host(name)))
        && tag.is_none_or(|tag| bad_tag(tag).is_none())
        && digest.is_none_or(|digest| {
            digest.split_once(':').is_some_and(|(_, hex)| hex.len() >= 32 && hex.chars().all(|c| c.is_ascii_hexdigit()))
        })
}

/// Why a text cannot be the tag of an image (the distribution specification: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`).
pub fn bad_tag(text: &str) -> Option<String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
    if let Some(wrong) = text.chars().find(|c| !ok(*c)) {
        return Some(format!("`{wrong}` cannot stand in a tag"));
    }
    if text.is_empty() || text.starts_with('.') || text.starts_with('-') {
        return Some("a tag begins with a letter, a digit or `_`".into());
    }
    (text.len() > 128).then(|| "a tag has at most 128 characters".into())
}

/// Whether a text fits a pattern in which `*` stands for any characters.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
