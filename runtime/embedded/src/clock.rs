//! Times as the API writes them.
//!
//! **Invariant:** the only place of this crate that formats or parses a time.

use jiff::Timestamp;

/// Now, with whole seconds: `2026-11-23T19:08:00Z`.
pub fn now() -> String {
    seconds(Timestamp::now())
}

/// Now in unix seconds.
pub fn unix_now() -> i64 {
    Timestamp::now().as_second()
}

pub fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// With six digits after the second, as `MicroTime` is written.
pub fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The time `seconds` after now.
pub fn after(delay_seconds: i64) -> String {
    let time = Timestamp::from_second(unix_now().saturating_add(delay_seconds)).unwrap_or(Timestamp::MAX);
    seconds(time)
}

/// Seconds since a time that the API wrote; 0 where it cannot be read.
pub fn age(text: &str) -> i64 {
    parse(text).map_or(0, |time| unix_now() - time.as_second())
}
