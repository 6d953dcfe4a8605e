//! The formats of texts, as the API server reads them.
//!
//! The rules are those of Go's `time`, `encoding/base64` and `net`, of `k8s.io/apimachinery/pkg/api/resource` and of the
//! formats that CustomResourceDefinitions support. **Invariant:** a format that is not known here allows everything.

use base64::Engine;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Why a text is not of a format; `None` if it is, or the format is not one that is looked at.
pub(super) fn wrong(format: &str, text: &str) -> Option<&'static str> {
    let (fits, why) = match format {
        "byte" => (is_base64(text), "is not base64"),
        "date-time" => (is_date_time(text), "is not a time like `2006-01-02T15:04:05Z`"),
        "date" => (is_date(text), "is not a date like `2006-01-02`"),
        "ipv4" => (text.parse::<std::net::Ipv4Addr>().is_ok(), "is not an IPv4 address"),
        "ipv6" => (text.parse::<std::net::Ipv6Addr>().is_ok(), "is not an IPv6 address"),
        "cidr" => (is_cidr(text), "is not a range of addresses like `10.0.0.0/8`"),
        "uuid" => (is_uuid(text), "is not a UUID"),
        _ => return None,
    };
    (!fits).then_some(why)
}

/// As `encoding/base64` reads the standard alphabet: line ends are passed over.
fn is_base64(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    LENIENT.decode(plain).is_ok()
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok());
    bytes.len() == 10
        && (bytes[4], bytes[7]) == (b'-', b'-')
        && number(0, 4).is_some()
        && number(5, 7).is_some_and(|month| (1..=12).contains(&month))
        && number(8, 10).is_some_and(|day| (1..=31).contains(&day))
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else { return false };
    let Some((clock, zone)) = time.find(['Z', 'z', '+', '-']).map(|at| time.split_at(at)) else { return false };
    let pair = |text: &str, most: u32| text.len() == 2 && text.parse::<u32>().is_ok_and(|number| number <= most);
    let zone = match zone.strip_prefix(['+', '-']) {
        Some(offset) => offset.split_once(':').is_some_and(|(hours, minutes)| pair(hours, 24) && pair(minutes, 60)),
        None => zone.len() == 1,
    };
    let (whole, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    let clock = matches!(parts[..], [hour, minute, second] if pair(hour, 23) && pair(minute, 59) && pair(second, 60));
    is_date(date) && clock && zone && !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    match (address.parse::<std::net::IpAddr>(), bits.parse::<u8>()) {
        (Ok(std::net::IpAddr::V4(_)), Ok(bits)) => bits <= 32,
        (Ok(std::net::IpAddr::V6(_)), Ok(bits)) => bits <= 128,
        (Ok(_), Err(_)) | (Err(_), _) => false,
    }
}

fn is_uuid(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// A decimal number with a suffix (`resource.ParseQuantity`).
pub(super) fn is_quantity(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let exponent = |rest: &str| {
        let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
    };
    let known = matches!(
        suffix,
        "" | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei"
    );
    digits > 0
        && number.bytes().filter(|byte| *byte == b'.').count() <= 1
        && (known || suffix.strip_prefix(['e', 'E']).is_some_and(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_of_go() {
        for good in ["1", "0.5", ".5", "1.", "100m", "1Gi", "1e3", "-1E-2", "5E", "+2k"] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in ["", "a", "1 Gi", "1gb", "1K", "1.2.3", "Gi", "1GiB"] {
            assert!(!is_quantity(bad), "{bad}");
        }
        assert!(is_base64("aGk=") && is_base64("aG\nk=") && is_base64("") && !is_base64("aGk") && !is_base64("a b="));
        assert!(wrong("date-time", "2020-01-01T00:00:00Z").is_none() && wrong("date-time", "2020-01-01").is_some());
        assert!(wrong("date-time", "2020-01-01T00:00:00.123+02:00").is_none() && wrong("made-up", "x").is_none());
    }
}
