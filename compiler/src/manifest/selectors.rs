//! Label selectors: parsed from their three forms, matched against labels.
//!
//! **Invariant:** `matches` is that of Kubernetes (apimachinery `labels`): a missing label fits `NotIn` and `!=`.

use std::collections::BTreeSet;

use serde_json::Value;

/// What must hold of one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub key: String,
    pub operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

/// All of its requirements must hold; without any it matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub requirements: Vec<Requirement>,
}

impl Selector {
    /// The text form: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
    pub fn parse(text: &str) -> Result<Selector, String> {
        let mut requirements = Vec::new();
        for part in split(text) {
            requirements.push(requirement(part.trim())?);
        }
        Ok(Selector { requirements })
    }

    /// `matchLabels` and `matchExpressions`, as of Deployments; a null gives `None`, which selects nothing.
    pub fn from_label_selector(value: &Value) -> Result<Option<Selector>, String> {
        if value.is_null() {
            return Ok(None);
        }
        let mut selector = Selector::from_map(value.get("matchLabels").unwrap_or(&Value::Null))?;
        let expressions = value.get("matchExpressions").and_then(Value::as_array).map(Vec::as_slice);
        for expression in expressions.unwrap_or_default() {
            let member = |name: &str| expression.get(name).and_then(Value::as_str).unwrap_or("");
            let values = expression.get("values").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let values = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let operator = match member("operator") {
                "In" => Operator::In(values),
                "NotIn" => Operator::NotIn(values),
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(format!("`operator` is `In`, `NotIn`, `Exists` or `DoesNotExist`, not `{other}`")),
            };
            selector.requirements.push(Requirement { key: member("key").to_owned(), operator });
        }
        Ok(Some(selector))
    }

    /// A plain map of labels, as of Services. A Service without any selects nothing: ask `is_empty`.
    pub fn from_map(value: &Value) -> Result<Selector, String> {
        let mut requirements = Vec::new();
        for (key, value) in value.as_object().into_iter().flatten() {
            let value = value.as_str().ok_or_else(|| format!("the value of label `{key}` is not a text"))?;
            let operator = Operator::In(BTreeSet::from([value.to_owned()]));
            requirements.push(Requirement { key: key.clone(), operator });
        }
        Ok(Selector { requirements })
    }

    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether a `metadata.labels` (or annotations) fits; anything but a mapping counts as no labels.
    pub fn matches(&self, labels: &Value) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key).and_then(Value::as_str);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.operator {
                Operator::In(values) => value.is_some_and(|value| values.contains(value)),
                Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
                Operator::GreaterThan(limit) => number().is_some_and(|number| number > *limit),
                Operator::LessThan(limit) => number().is_some_and(|number| number < *limit),
            }
        })
    }
}

/// Parts between commas that stand outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    if !text.trim().is_empty() {
        parts.push(&text[from..]);
    }
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    let wrong = || format!("`{part}` is no label requirement");
    let key = |text: &str| {
        let text = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if !text.is_empty() && text.chars().all(fits) { Ok(text.to_owned()) } else { Err(wrong()) }
    };
    if let Some(rest) = part.strip_prefix('!') {
        return Ok(Requirement { key: key(rest)?, operator: Operator::DoesNotExist });
    }
    if let Some(list) = part.strip_suffix(')') {
        let (head, values) = list.split_once('(').ok_or_else(wrong)?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let (name, word) = head.trim().rsplit_once(char::is_whitespace).ok_or_else(wrong)?;
        let operator = match word {
            "in" => Operator::In(values),
            "notin" => Operator::NotIn(values),
            _ => return Err(wrong()),
        };
        return Ok(Requirement { key: key(name)?, operator });
    }
    let one = |value: &str| BTreeSet::from([value.trim().to_owned()]);
    let number = |value: &str| value.trim().parse::<i64>().map_err(|_| wrong());
    for (sign, width) in [("!=", 2), ("==", 2), ("=", 1), (">", 1), ("<", 1)] {
        if let Some(at) = part.find(sign) {
            let value = &part[at + width..];
            let operator = match sign {
                "!=" => Operator::NotIn(one(value)),
                ">" => Operator::GreaterThan(number(value)?),
                "<" => Operator::LessThan(number(value)?),
                _ => Operator::In(one(value)),
            };
            return Ok(Requirement { key: key(&part[..at])?, operator });
        }
    }
    Ok(Requirement { key: key(part)?, operator: Operator::Exists })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_text_form_is_that_of_kubectl() {
        let labels = json!({"app": "web", "tier": "front", "n": "3"});
        for (selector, fits) in [
            ("app=web", true),
            ("app == web, tier in (front, back)", true),
            ("app!=web", false),
            ("other!=x", true),
            ("tier notin (back)", true),
            ("app,!other", true),
            ("!app", false),
            ("n>2,n<4", true),
            ("n>3", false),
            ("", true),
        ] {
            assert_eq!(Selector::parse(selector).unwrap().matches(&labels), fits, "{selector}");
        }
        for wrong in ["a b", "in (x)", "a in x)", ",", "a>b"] {
            assert!(Selector::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_object_forms_are_those_of_workloads_and_services() {
        let selector =
            json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}]});
        let selector = Selector::from_label_selector(&selector).unwrap().unwrap();
        assert!(selector.matches(&json!({"a": "b", "c": "d"})) && !selector.matches(&json!({"a": "b"})));
        assert_eq!(Selector::from_label_selector(&Value::Null), Ok(None));
        assert!(Selector::from_map(&json!({})).unwrap().is_empty());
        assert!(Selector::from_map(&json!({"a": 1})).is_err());
    }
}
