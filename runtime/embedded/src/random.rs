//! Random numbers, identifiers and the suffixes of generated names.
//!
//! **Invariant:** the only source of randomness in this crate.

use std::fmt::Write;

fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    // The system's generator does not fail once the machine is up; zeros are still a valid, if poor, answer.
    if getrandom::fill(&mut out).is_err() {
        let nanos = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
        for (byte, other) in out.iter_mut().zip(nanos) {
            *byte = other;
        }
    }
    out
}

/// A number below `limit`.
pub fn below(limit: u32) -> u32 {
    u32::from_le_bytes(bytes()) % limit.max(1)
}

/// A version 4 UUID.
pub fn uid() -> String {
    let mut raw: [u8; 16] = bytes();
    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;
    let mut out = String::with_capacity(36);
    for (index, byte) in raw.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Five characters for `generateName`, without vowels and look-alikes.
pub fn suffix() -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let raw: [u8; 5] = bytes();
    raw.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}
