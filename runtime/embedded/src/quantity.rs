//! Kubernetes quantities: parsing and the canonical form in which the API writes them back.
//!
//! **Invariant:** `canonical` is idempotent. Not here: arithmetic; nothing here schedules by resources.

/// The canonical text of a quantity such as `1000m`, `0.5Gi` or `1e3`; `None` where it is not one.
pub fn canonical(text: &str) -> Option<String> {
    let (mantissa, suffix) = split(text)?;
    let (negative, digits, mut exponent) = decimal(mantissa)?;
    let form = suffix_form(suffix)?;
    match form {
        Form::Binary(shift) => {
            let value = binary(digits, exponent, shift)?;
            Some(binary_text(negative, value))
        }
        Form::Decimal(power) => {
            exponent += power;
            Some(decimal_text(negative, digits, exponent))
        }
        Form::Exponent(power) => {
            exponent += power;
            Some(exponent_text(negative, digits, exponent))
        }
    }
}

enum Form {
    /// Powers of 1024.
    Binary(u32),
    /// Powers of ten, written with an SI suffix.
    Decimal(i32),
    /// Powers of ten, written as `e3`.
    Exponent(i32),
}

/// A magnitude that is a binary or decimal number of nano units.
enum Binary {
    Whole(i128),
    Nano(i128),
}

fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (mantissa, suffix) = text.split_at(end);
    (!mantissa.is_empty()).then_some((mantissa, suffix))
}

/// Sign, digits without the point, and the power of ten of the last digit.
fn decimal(text: &str) -> Option<(bool, i128, i32)> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    if (whole.is_empty() && fraction.is_empty()) || !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let digits = if digits.is_empty() { "0" } else { digits.as_str() };
    let scale = i32::try_from(fraction.len()).ok()?;
    Some((negative, digits.parse().ok()?, -scale))
}

fn suffix_form(suffix: &str) -> Option<Form> {
    let form = match suffix {
        "Ki" => Form::Binary(10),
        "Mi" => Form::Binary(20),
        "Gi" => Form::Binary(30),
        "Ti" => Form::Binary(40),
        "Pi" => Form::Binary(50),
        "Ei" => Form::Binary(60),
        "n" => Form::Decimal(-9),
        "u" => Form::Decimal(-6),
        "m" => Form::Decimal(-3),
        "" => Form::Decimal(0),
        "k" => Form::Decimal(3),
        "M" => Form::Decimal(6),
        "G" => Form::Decimal(9),
        "T" => Form::Decimal(12),
        "P" => Form::Decimal(15),
        "E" => Form::Decimal(18),
        _ => {
            let power = suffix.strip_prefix(['e', 'E'])?;
            Form::Exponent(power.parse().ok()?)
        }
    };
    Some(form)
}

fn binary(digits: i128, exponent: i32, shift: u32) -> Option<Binary> {
    let scaled = digits.checked_shl(shift).filter(|value| value >> shift == digits)?;
    let divisor = 10i128.checked_pow(exponent.unsigned_abs())?;
    if scaled % divisor == 0 {
        return Some(Binary::Whole(scaled / divisor));
    }
    // Fractions are rounded up to the next nano unit, as the API does.
    let nano = scaled.checked_mul(1_000_000_000)?;
    Some(Binary::Nano(nano / divisor + i128::from(nano % divisor != 0)))
}

fn binary_text(negative: bool, value: Binary) -> String {
    let sign = if negative { "-" } else { "" };
    match value {
        Binary::Nano(nano) => decimal_text(negative, nano, -9),
        Binary::Whole(0) => "0".to_owned(),
        // Below 1024 the API writes a binary quantity in decimal form.
        Binary::Whole(mut whole) => {
            if whole < 1024 {
                return decimal_text(negative, whole, 0);
            }
            let mut suffix = "";
            for next in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] {
                if whole % 1024 != 0 {
                    break;
                }
                whole /= 1024;
                suffix = next;
            }
            format!("{sign}{whole}{suffix}")
        }
    }
}

/// Digits and exponent with the largest multiple of three that loses nothing.
fn engineering(mut digits: i128, mut exponent: i32) -> (i128, i32) {
    if digits == 0 {
        return (0, 0);
    }
    while digits % 10 == 0 {
        digits /= 10;
        exponent += 1;
    }
    if exponent < -9 {
        // Finer than nano is rounded up.
        let divisor = 10i128.pow((-9 - exponent).unsigned_abs().min(37));
        digits = digits / divisor + i128::from(digits % divisor != 0);
        exponent = -9;
        return engineering(digits, exponent);
    }
    while exponent.rem_euclid(3) != 0 || exponent > 18 {
        digits *= 10;
        exponent -= 1;
    }
    (digits, exponent)
}

fn decimal_text(negative: bool, digits: i128, exponent: i32) -> String {
    let (digits, exponent) = engineering(digits, exponent);
    let suffix = match exponent {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        18 => "E",
        _ => "",
    };
    let sign = if negative && digits != 0 { "-" } else { "" };
    format!("{sign}{digits}{suffix}")
}

fn exponent_text(negative: bool, digits: i128, exponent: i32) -> String {
    let (digits, exponent) = engineering(digits, exponent);
    let sign = if negative && digits != 0 { "-" } else { "" };
    match exponent {
        0 => format!("{sign}{digits}"),
        power => format!("{sign}{digits}e{power}"),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn canonical_forms() {
        let cases = [
            ("1", "1"),
            ("1000m", "1"),
            ("100m", "100m"),
            ("0.5", "500m"),
            ("1500m", "1500m"),
            ("1000", "1k"),
            ("128Mi", "128Mi"),
            ("1024Mi", "1Gi"),
            ("0.5Gi", "512Mi"),
            ("1e3", "1e3"),
            ("1000000", "1M"),
            ("0", "0"),
            ("1.5Gi", "1536Mi"),
            ("512", "512"),
            ("2.0", "2"),
            ("1023Ki", "1023Ki"),
            ("0.5Ki", "512"),
            ("-1", "-1"),
            ("123456", "123456"),
            ("1E", "1E"),
            ("10k", "10k"),
            ("0Gi", "0"),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
            assert_eq!(canonical(expected).as_deref(), Some(expected), "again {text}");
        }
        for wrong in ["", "abc", "1.2.3", "1Qi", "--1", "1 Gi"] {
            assert_eq!(canonical(wrong), None, "{wrong}");
        }
    }
}
