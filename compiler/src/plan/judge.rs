//! Policies over the actions of a plan: judged when the plan is built, and again by apply where an action holds a value
//! that only the run gave.
//!
//! **Invariant:** a rule that cannot be evaluated lets nothing pass. Time is an input. Not here: how policies are written
//! (`spec::policy`), and what a refusal looks like (`plan::build::policies`).

mod evaluate;
mod view;

use serde::{Deserialize, Serialize};

use super::{Action, Plan};
pub use view::{action, removed};

/// How much a broken policy weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Said in the plan.
    Warn,
    /// Refuses the plan, but for exceptions.
    Deny,
    /// Refuses the plan.
    Forbid,
}

/// A policy as plans and records carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub name: String,
    pub level: Level,
    /// Empty for all actions.
    pub environments: Vec<String>,
    pub rules: Vec<Rule>,
    pub exceptions: Vec<Exception>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub expression: String,
    /// Whether the expression says what is wrong; else it says what is right.
    pub denies: bool,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Addresses; `*` stands for any text.
    pub r#for: String,
    /// As written: `2027-01-31`.
    pub until: String,
    pub reason: String,
}

/// What a rule says of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passes,
    Broken,
    /// It cannot be evaluated, and why.
    Failed(String),
}

/// What becomes of a broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weight<'p> {
    Refused,
    /// Refused, although there was an exception until that day.
    Expired(&'p Exception),
    Warned,
    Excepted(&'p Exception),
}

impl Policy {
    /// Whether the actions of an environment are judged by it.
    pub fn covers(&self, environment: Option<&str>) -> bool {
        self.environments.is_empty()
            || environment.is_some_and(|environment| self.environments.iter().any(|name| name == environment))
    }

    /// What becomes of a broken rule at an address, `now` in seconds since 1970.
    pub fn weigh(&self, address: &str, now: i64) -> Weight<'_> {
        let mut matching = self.exceptions.iter().filter(|exception| matches(&exception.r#for, address));
        let holds = |exception: &&Exception| end_of_day(&exception.until).is_some_and(|end| now < end);
        match (self.level, matching.clone().find(holds), matching.next()) {
            (Level::Warn, _, _) => Weight::Warned,
            (Level::Deny, Some(exception), _) => Weight::Excepted(exception),
            (Level::Deny, None, Some(exception)) => Weight::Expired(exception),
            (Level::Deny, None, None) | (Level::Forbid, _, _) => Weight::Refused,
        }
    }
}

impl Rule {
    /// Judges one action, given as its view.
    pub fn judge(&self, action: &serde_json::Value, plan: &serde_json::Value) -> Verdict {
        match evaluate::truth(&self.expression, action, plan) {
            Ok(truth) if truth == self.denies => Verdict::Broken,
            Ok(_) => Verdict::Passes,
            Err(why) => Verdict::Failed(why),
        }
    }
}

/// What `plan` is in an expression.
pub fn of_plan(plan: &Plan) -> serde_json::Value {
    view::plan(plan)
}

/// Judges an action once more, its unknown values filled in: why it may not be done, if it may not.
pub fn again(
    plan: &Plan,
    filled: &Action,
    values: &std::collections::BTreeMap<String, String>,
    now: i64,
) -> Option<String> {
    let facts = of_plan(plan);
    let seen = view::filled(plan, filled, values);
    for policy in plan.policies.iter().filter(|policy| policy.covers(filled.environment.as_deref())) {
        for rule in &policy.rules {
            let why = match rule.judge(&seen, &facts) {
                Verdict::Passes => continue,
                Verdict::Broken => rule.message.clone(),
                Verdict::Failed(why) => why,
            };
            match policy.weigh(&filled.address, now) {
                Weight::Refused | Weight::Expired(_) => {
                    return Some(format!("policy `{}`, now that its values are known: {why}", policy.name));
                }
                Weight::Warned | Weight::Excepted(_) => {}
            }
        }
    }
    None
}

/// Whether a text fits a pattern in which `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
    }
    match last {
        Some(last) => rest.ends_with(last),
        None => rest.is_empty(),
    }
}

/// The first second after a day, in seconds since 1970; `None` if the text is no day of the calendar.
pub fn end_of_day(text: &str) -> Option<i64> {
    let [year, month, day]: [&str; 3] = text.split('-').collect::<Vec<_>>().try_into().ok()?;
    let digits = |text: &str, length: usize| {
        let ok = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        ok.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || year < 1970 {
        return None;
    }
    Some((days(year, month, day) + 1) * 86_400)
}

/// Days since 1970 of a day of the Gregorian calendar: years begin in March, so that the leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_when_the_next_begins() {
        assert_eq!(end_of_day("1970-01-01"), Some(86_400));
        assert_eq!(end_of_day("2024-02-29"), Some(1_709_251_200));
        assert_eq!(end_of_day("2026-12-31"), Some(1_798_761_600));
        for wrong in ["2023-02-29", "2026-13-01", "2026-1-1", "2026-04-31", "tomorrow", "", "2026-00-10"] {
            assert_eq!(end_of_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c*e", "abcde", true),
            ("a*c", "acb", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
