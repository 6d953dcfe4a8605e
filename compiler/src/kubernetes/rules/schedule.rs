//! When a CronJob runs: five fields of cron syntax, and the time zone.

use super::at::At;
use super::values::not_empty;
use crate::diag::{Diagnostic, Diags, codes};

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field of a schedule: what it is called, its least and greatest number, and its words from the least number on.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, words: &[] },
    Field { name: "hour", least: 0, most: 23, words: &[] },
    Field { name: "day of the month", least: 1, most: 31, words: &[] },
    Field { name: "month", least: 1, most: 12, words: MONTHS },
    Field { name: "day of the week", least: 0, most: 6, words: DAYS },
];

/// As in `pkg/apis/batch/validation`: `validateScheduleFormat`, `validateTimeZone`.
pub(super) fn check(spec: At<'_>, diags: &mut Diags) {
    not_empty(spec, "schedule", "the CronJob", diags);
    if let Some(schedule) = spec.get("schedule").and_then(|at| at.node.as_text()) {
        let text = schedule.value.as_str();
        if text.contains("TZ") {
            let finding =
                Diagnostic::new(&codes::INVALID_CRON, schedule.span, format!("the schedule `{text}` has a time zone"));
            diags.push(finding.here("not within the schedule").help("write the zone as `timeZone`"));
        } else if let Err((from, to, why)) = parse(text) {
            let finding = Diagnostic::new(
                &codes::INVALID_CRON,
                schedule.place(from, to),
                format!("the schedule `{text}` is no cron schedule: {why}"),
            );
            diags.push(finding.here(why).help("write minute, hour, day of the month, month and day of the week"));
        }
    }
    if let Some(zone) = spec.get("timeZone").filter(|zone| zone.node.as_str().is_some()) {
        let text = zone.node.as_str().unwrap_or("");
        let odd = |c: char| !(c.is_ascii_alphanumeric() || "/_+-".contains(c));
        if text.is_empty() || text.eq_ignore_ascii_case("local") || text.contains(odd) {
            let finding = Diagnostic::new(&codes::INVALID_CRON, zone.span(), format!("`{text}` is no time zone"));
            diags.push(finding.here("not in the time zone database").help("write it as `Europe/Vienna` or `Etc/UTC`"));
        }
    }
}

/// Why a text is no schedule, with the bytes that are wrong. As in robfig/cron v3: `ParseStandard`.
fn parse(text: &str) -> Result<(), (usize, usize, String)> {
    let whole = |why: String| (0, text.len(), why);
    if let Some(word) = text.strip_prefix('@') {
        let named = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"].contains(&word);
        let every = word.strip_prefix("every ").is_some_and(is_duration);
        return if named || every { Ok(()) } else { Err(whole(format!("`@{word}` is no known schedule"))) };
    }
    let parts: Vec<&str> = text.split_whitespace().collect();
    if parts.len() != FIELDS.len() {
        return Err(whole(format!("it has {} fields, and 5 are expected", parts.len())));
    }
    for (field, part) in FIELDS.iter().zip(&parts) {
        let from = part.as_ptr() as usize - text.as_ptr() as usize;
        check_field(field, part).map_err(|why| (from, from + part.len(), why))?;
    }
    Ok(())
}

/// `90s`, `1h30m`, as Go writes durations.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let units = ["ns", "us", "ms", "s", "m", "h"];
        let unit = units.iter().find(|unit| rest[number..].starts_with(**unit));
        let (Some(unit), true) = (unit, number > 0) else { return false };
        rest = &rest[number + unit.len()..];
    }
    !text.is_empty()
}

fn check_field(field: &Field, part: &str) -> Result<(), String> {
    part.split(',').filter(|expression| !expression.is_empty()).try_for_each(|expression| {
        let mut halves = expression.split('/');
        let (range, step) = (halves.next().unwrap_or(""), halves.next());
        if halves.next().is_some() {
            return Err(format!("`{expression}` has more than one `/`"));
        }
        let ends: Vec<&str> = range.split('-').collect();
        match ends[..] {
            ["*" | "?"] => {}
            [one] => drop(number(field, one)?),
            [low, high] => {
                let (low, high) = (number(field, low)?, number(field, high)?);
                if low > high {
                    return Err(format!("`{range}` ends before it begins"));
                }
            }
            _ => return Err(format!("`{range}` has more than one `-`")),
        }
        match step.map(str::parse::<u32>) {
            None | Some(Ok(1..)) => Ok(()),
            Some(Ok(0) | Err(_)) => Err(format!("`{expression}` has no step")),
        }
    })
}

fn number(field: &Field, text: &str) -> Result<u32, String> {
    let lower = text.to_lowercase();
    if let Some(at) = field.words.iter().position(|word| *word == lower) {
        return Ok(field.least + u32::try_from(at).unwrap_or(0));
    }
    match text.parse::<u32>() {
        Ok(number) if (field.least..=field.most).contains(&number) => Ok(number),
        Ok(number) => Err(format!("the {} `{number}` is not from {} to {}", field.name, field.least, field.most)),
        Err(_) => Err(format!("`{text}` is no {}", field.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_those_of_the_cron_library() {
        for good in ["* * * * *", "*/5 0-6 1,15 jan-mar MON", "@daily", "@every 1h30m", "0 0 ? * 0", "5/15 * * * *"] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "@dayly",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
