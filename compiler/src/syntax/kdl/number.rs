//! Words that are numbers, by the grammar of KDL version 2.
//!
//! **Invariant:** a number is read exactly or not at all; only fractions and exponents are floating.

use crate::syntax::Scalar;

/// What a bare word is.
#[derive(Clone, Debug)]
pub enum Bare {
    Name,
    Number(Scalar),
    /// Begins as a number does, and is none.
    NoNumber,
    /// A whole number outside of 128 bits.
    TooLarge,
    /// `true`, `inf` and the like: version 2 has them with a `#` only.
    Reserved,
}

pub fn read(word: &str) -> Bare {
    let bytes = word.as_bytes();
    let signed = matches!(bytes.first(), Some(b'+' | b'-'));
    let rest = &bytes[usize::from(signed)..];
    let digit = |at: usize| rest.get(at).is_some_and(u8::is_ascii_digit);
    if digit(0) {
        return number(word, signed);
    }
    if rest.first() == Some(&b'.') && digit(1) {
        return Bare::NoNumber;
    }
    match word {
        "true" | "false" | "null" | "inf" | "-inf" | "nan" => Bare::Reserved,
        _ => Bare::Name,
    }
}

fn number(word: &str, signed: bool) -> Bare {
    let negative = word.starts_with('-');
    let digits = &word[usize::from(signed)..];
    let radix = match digits.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        Some(_) | None => 10,
    };
    if radix != 10 {
        return if digits[2..].starts_with('_') { Bare::NoNumber } else { whole(&digits[2..], radix, negative) };
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return whole(digits, 10, negative);
    }
    if !floating(digits) {
        return Bare::NoNumber;
    }
    let plain: String = word.chars().filter(|c| *c != '_').collect();
    plain.parse().map_or(Bare::NoNumber, |value| Bare::Number(Scalar::Float(value)))
}

fn whole(digits: &str, radix: u32, negative: bool) -> Bare {
    let (mut value, mut count) = (0i128, 0usize);
    for character in digits.chars().filter(|c| *c != '_') {
        let Some(digit) = character.to_digit(radix) else { return Bare::NoNumber };
        count += 1;
        let digit = if negative { -i128::from(digit) } else { i128::from(digit) };
        match value.checked_mul(i128::from(radix)).and_then(|value| value.checked_add(digit)) {
            Some(next) => value = next,
            // What follows must still be digits.
            None if digits.chars().all(|c| c == '_' || c.is_digit(radix)) => return Bare::TooLarge,
            None => return Bare::NoNumber,
        }
    }
    if count == 0 { Bare::NoNumber } else { Bare::Number(Scalar::Int(value)) }
}

/// Digits, a fraction, an exponent: each part begins with a digit.
fn floating(digits: &str) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (digits, None),
    };
    let (before, after) = match mantissa.split_once('.') {
        Some((before, after)) => (before, Some(after)),
        None => (mantissa, None),
    };
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_digit()) && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    part(before) && after.is_none_or(part) && exponent.is_none_or(part)
}
