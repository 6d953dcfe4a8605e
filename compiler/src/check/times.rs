//! Windows and freezes: schedules, time zones and dates that can be read, and that let something through.
//!
//! Time zones are those of the bundled IANA database. There is no clock here: a freeze in the past is not known as one.

use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::source::Spanned;
use crate::spec::Spec;
use crate::spec::delivery::{Freeze, Window};
use crate::spec::value::show_seconds;

/// Reports times that cannot be read, windows that never open and freezes that end before they begin.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for environment in &spec.environments {
        let delivery = &environment.delivery;
        delivery.windows.iter().for_each(|window| check_window(window, diags));
        delivery.freezes.iter().for_each(|freeze| check_freeze(freeze, diags));
    }
}

fn check_window(window: &Window, diags: &mut Diags) {
    window.timezone.iter().for_each(|name| diags.extend(unknown_zone(name)));
    let Some(schedule) = &window.schedule else { return };
    let cron = match parse(&schedule.value) {
        Ok(cron) => cron,
        Err(why) => {
            let message = format!("`{}` is no schedule: {why}", schedule.value);
            let finding = Diagnostic::new(&codes::BAD_TIME, schedule.span, message);
            diags.push(finding.here("minute, hour, day, month, weekday").help("for instance `0 9 * * 1-5`"));
            return;
        }
    };
    let never = |message: String| Diagnostic::new(&codes::WINDOW_NEVER_OPENS, schedule.span, message);
    let Some(gap) = longest_gap(&cron) else {
        let message = format!("window `{}` never opens", window.name.value);
        diags.push(never(message).here("no day has this date").help("give it a schedule that comes"));
        return;
    };
    let Some(duration) = window.duration.as_ref() else { return };
    if duration.value == 0 {
        let message = format!("window `{}` is open for no time", window.name.value);
        diags.push(Diagnostic::new(&codes::WINDOW_NEVER_OPENS, duration.span, message).here("no time"));
    } else if window.deny && duration.value >= gap {
        let message = format!("the `deny` window `{}` is always open", window.name.value);
        let finding = never(message).here(format!("it comes again within {}", show_seconds(gap)));
        diags.push(finding.label(duration.span, "and stays this long").help("shorten it, or remove the environment"));
    }
}

fn parse(text: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
    parser.parse(text).map_err(|error| error.to_string().trim_end_matches('.').to_lowercase())
}

/// The longest time from one opening to the next, in seconds, over the first openings from a fixed day on; `None` if it
/// never opens.
fn longest_gap(cron: &Cron) -> Option<u64> {
    let start = jiff::civil::date(2024, 1, 1).to_zoned(TimeZone::UTC).ok()?;
    let mut openings = cron.iter_after(start).take(400);
    let mut last = openings.next()?;
    let mut longest = 0;
    for opening in openings {
        longest = longest.max(opening.timestamp().as_second() - last.timestamp().as_second());
        last = opening;
    }
    // One that comes only once leaves time enough.
    if longest == 0 { Some(u64::MAX) } else { u64::try_from(longest).ok() }
}

fn unknown_zone(name: &Spanned<String>) -> Option<Diagnostic> {
    let zones = TimeZoneDatabase::bundled();
    if zones.get(&name.value).is_ok() {
        return None;
    }
    let finding = Diagnostic::new(&codes::BAD_TIME, name.span, format!("there is no time zone `{}`", name.value))
        .here("not in the IANA database");
    let known: Vec<String> = zones.available().map(|name| name.to_string()).collect();
    Some(match suggest::closest(&name.value, known.iter().map(String::as_str)) {
        Some(real) => finding.help(format!("there is a time zone with a similar name: `{real}`")),
        None => finding.help("for instance `Europe/Berlin`"),
    })
}

fn check_freeze(freeze: &Freeze, diags: &mut Diags) {
    freeze.timezone.iter().for_each(|name| diags.extend(unknown_zone(name)));
    let mut moment = |text: &Option<Spanned<String>>| {
        let text = text.as_ref()?;
        let read = DateTime::from_str(&text.value).ok();
        // jiff would pass over the offset of a moment and read another one.
        if read.is_none() || text.value.ends_with('Z') || text.value.contains('[') {
            let message = format!("`{}` is no moment", text.value);
            let finding = Diagnostic::new(&codes::BAD_TIME, text.span, message).here("cannot be read");
            diags.push(finding.help("write `2026-12-20` or `2026-12-20T18:00`, and the zone as `timezone`"));
            return None;
        }
        read
    };
    let (from, until) = (moment(&freeze.from), moment(&freeze.until));
    let (Some(from), Some(until)) = (from, until) else { return };
    let (Some(first), Some(last)) = (&freeze.from, &freeze.until) else { return };
    if until <= from {
        let message = format!("freeze `{}` ends before it begins", freeze.name.value);
        let finding = Diagnostic::new(&codes::FREEZE_ORDER, last.span, message).here("not after its beginning");
        diags.push(finding.label(first.span, "it begins here"));
    }
}
