//! Times and durations.
//!
//! Source of the rules: the CEL language definition; RFC 3339 for times, Go's `time.ParseDuration` for durations.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::operators::in_range;
use super::{EvalError, Failure, fail};
use crate::expr::value::Value;
use crate::source::Spanned;

const NANOS: i128 = 1_000_000_000;

/// `1h30m`, `-1.5s`, `0`.
pub(super) fn duration(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let units = [("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", NANOS)];
        let units = units.into_iter().chain([("m", 60 * NANOS), ("h", 3600 * NANOS)]);
        let (unit, nanos) = units.filter(|(unit, _)| behind.starts_with(unit)).max_by_key(|(unit, _)| unit.len())?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 18 {
            return None;
        }
        let fraction = &fraction[..fraction.len().min(18)];
        let parsed = |digits: &str| if digits.is_empty() { Some(0i128) } else { digits.parse::<i128>().ok() };
        total += parsed(whole)? * nanos + parsed(fraction)? * nanos / 10i128.pow(u32::try_from(fraction.len()).ok()?);
        rest = &behind[unit.len()..];
    }
    let seconds = i64::try_from(total / NANOS).ok()?;
    let nanos = i32::try_from(total % NANOS).ok()?;
    let found = SignedDuration::new(seconds, nanos);
    Some(if sign < 0 { -found } else { found }).filter(in_range)
}

/// RFC 3339 with an offset, between the years 1 and 9999.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let named = text.contains(['[', ' ']);
    let time: Timestamp = text.parse().ok().filter(|_| !named)?;
    (time.as_second() >= -62_135_596_800).then_some(time)
}

/// `getHours` and its like.
pub(super) fn part(name: &Spanned<String>, values: &[Value]) -> Result<Option<Value>, EvalError> {
    let found = match values {
        [Value::Duration(duration)] => of_duration(&name.value, *duration),
        [Value::Timestamp(time)] => of_time(&name.value, Offset::UTC.to_datetime(*time)),
        [Value::Timestamp(time), Value::String(zone)] => match offset(zone) {
            Some(offset) => of_time(&name.value, time.to_zoned(TimeZone::fixed(offset)).datetime()),
            None => {
                let message = format!("`{zone}` is no offset such as `+02:00`; names of zones are not known here");
                return fail(Failure::Argument, name.span, message);
            }
        },
        _ => None,
    };
    Ok(found.map(Value::Int))
}

fn of_duration(name: &str, duration: SignedDuration) -> Option<i64> {
    match name {
        "getHours" => Some(duration.as_hours()),
        "getMinutes" => Some(duration.as_mins()),
        "getSeconds" => Some(duration.as_secs()),
        "getMilliseconds" => Some(i64::from(duration.subsec_millis())),
        _ => None,
    }
}

fn of_time(name: &str, time: DateTime) -> Option<i64> {
    Some(match name {
        "getFullYear" => i64::from(time.year()),
        "getMonth" => i64::from(time.month()) - 1,
        "getDate" => i64::from(time.day()),
        "getDayOfMonth" => i64::from(time.day()) - 1,
        "getDayOfWeek" => i64::from(time.weekday().to_sunday_zero_offset()),
        "getDayOfYear" => i64::from(time.day_of_year()) - 1,
        "getHours" => i64::from(time.hour()),
        "getMinutes" => i64::from(time.minute()),
        "getSeconds" => i64::from(time.second()),
        "getMilliseconds" => i64::from(time.millisecond()),
        _ => return None,
    })
}

/// `UTC`, `+02:00`, `-05:30`, `02:00`.
fn offset(zone: &str) -> Option<Offset> {
    if matches!(zone, "UTC" | "Z" | "") {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+').unwrap_or(zone)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let valid = (0..24).contains(&hours) && (0..60).contains(&minutes);
    if valid { Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok() } else { None }
}
