//! Label and field selectors: the query syntax of list and watch, and `LabelSelector` objects.
//!
//! **Invariant:** pure. Not here: which objects are asked for.

use serde_json::Value;

use crate::status::Failure;

/// Requirements that must all hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
    Greater(String, i64),
    Less(String, i64),
}

impl Selector {
    /// The syntax of `labelSelector=`: `a=b,c!=d,e in (f,g),h,!i`.
    pub fn parse(text: &str) -> Result<Selector, Failure> {
        let mut requirements = Vec::new();
        for part in split(text) {
            let part = part.trim();
            requirements.push(requirement(part).ok_or_else(|| unparsable(part))?);
        }
        Ok(Selector { requirements })
    }

    /// A `LabelSelector` object; an empty one selects everything.
    pub fn from_label_selector(object: &Value) -> Result<Selector, String> {
        let mut requirements = Vec::new();
        for (key, value) in object["matchLabels"].as_object().into_iter().flatten() {
            requirements.push(Requirement::In(key.clone(), vec![value.as_str().unwrap_or_default().to_owned()]));
        }
        for expression in object["matchExpressions"].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or_default().to_owned();
            let values: Vec<String> = expression["values"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            requirements.push(match expression["operator"].as_str().unwrap_or_default() {
                "In" => Requirement::In(key, values),
                "NotIn" => Requirement::NotIn(key, values),
                "Exists" => Requirement::Exists(key),
                "DoesNotExist" => Requirement::Missing(key),
                other => return Err(format!("{other:?} is not a valid label selector operator")),
            });
        }
        Ok(Selector { requirements })
    }

    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether a `labels` map fits; `null` is an empty one.
    pub fn matches(&self, labels: &Value) -> bool {
        self.requirements.iter().all(|requirement| requirement.holds(labels))
    }

    /// In the syntax of `parse`.
    pub fn display(&self) -> String {
        let parts: Vec<String> = self.requirements.iter().map(Requirement::display).collect();
        parts.join(",")
    }
}

impl Requirement {
    fn holds(&self, labels: &Value) -> bool {
        let get = |key: &String| labels.get(key).and_then(Value::as_str);
        match self {
            Requirement::In(key, values) => get(key).is_some_and(|value| values.iter().any(|one| one == value)),
            Requirement::NotIn(key, values) => get(key).is_none_or(|value| values.iter().all(|one| one != value)),
            Requirement::Exists(key) => get(key).is_some(),
            Requirement::Missing(key) => get(key).is_none(),
            Requirement::Greater(key, limit) => {
                get(key).and_then(|value| value.parse::<i64>().ok()).is_some_and(|n| n > *limit)
            }
            Requirement::Less(key, limit) => {
                get(key).and_then(|value| value.parse::<i64>().ok()).is_some_and(|n| n < *limit)
            }
        }
    }

    fn display(&self) -> String {
        match self {
            Requirement::In(key, values) => match values.as_slice() {
                [one] => format!("{key}={one}"),
                many => format!("{key} in ({})", many.join(",")),
            },
            Requirement::NotIn(key, values) => format!("{key} notin ({})", values.join(",")),
            Requirement::Exists(key) => key.clone(),
            Requirement::Missing(key) => format!("!{key}"),
            Requirement::Greater(key, limit) => format!("{key}>{limit}"),
            Requirement::Less(key, limit) => format!("{key}<{limit}"),
        }
    }
}

fn unparsable(part: &str) -> Failure {
    let message = match part.split_once(char::is_whitespace) {
        Some((_, rest)) => {
            format!("unable to parse requirement: found '{}', expected: in, notin, =, ==, !=, gt, lt", rest.trim())
        }
        None => format!("unable to parse requirement: found '{part}', expected: identifier"),
    };
    Failure::bad_request(message)
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                out.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out.retain(|part| !part.trim().is_empty());
    out
}

fn requirement(text: &str) -> Option<Requirement> {
    let key_ok = |key: &str| crate::validate::is_qualified_name(key);
    if let Some(key) = text.strip_prefix('!') {
        let key = key.trim();
        return key_ok(key).then(|| Requirement::Missing(key.to_owned()));
    }
    for (operator, negated) in [(" notin ", true), (" in ", false)] {
        if let Some((key, rest)) = text.split_once(operator) {
            let inner = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
            let values: Vec<String> = inner.split(',').map(|value| value.trim().to_owned()).collect();
            let key = key.trim();
            if !key_ok(key) {
                return None;
            }
            return Some(match negated {
                true => Requirement::NotIn(key.to_owned(), values),
                false => Requirement::In(key.to_owned(), values),
            });
        }
    }
    for operator in ["!=", "==", "=", ">", "<"] {
        if let Some((key, value)) = text.split_once(operator) {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            if !key_ok(&key) || (crate::validate::label_value_problem(&value).is_some()) {
                return None;
            }
            return Some(match operator {
                "!=" => Requirement::NotIn(key, vec![value]),
                ">" => Requirement::Greater(key, value.parse().ok()?),
                "<" => Requirement::Less(key, value.parse().ok()?),
                _ => Requirement::In(key, vec![value]),
            });
        }
    }
    key_ok(text).then(|| Requirement::Exists(text.to_owned()))
}

/// Requirements on fields of an object: `metadata.name=x,status.phase!=Failed`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSelector {
    requirements: Vec<(String, String, bool)>,
}

/// Fields that can be selected by, besides `metadata.name` and `metadata.namespace`.
fn selectable(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "Secret" => &["type"],
        "Namespace" => &["status.phase"],
        "ReplicaSet" | "ReplicationController" => &["status.replicas"],
        "Job" => &["status.successful"],
        "Node" => &["spec.unschedulable"],
        "Service" => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

impl FieldSelector {
    pub fn parse(text: &str, kind: &str) -> Result<FieldSelector, Failure> {
        let mut requirements = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (key, value, equal) = if let Some((key, value)) = part.split_once("!=") {
                (key, value, false)
            } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (key, value, true)
            } else {
                return Err(Failure::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            if !matches!(key, "metadata.name" | "metadata.namespace") && !selectable(kind).contains(&key) {
                let message = match selectable(kind) {
                    [] => {
                        format!("{key:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
                    }
                    _ => format!("field label not supported: {key}"),
                };
                return Err(Failure::bad_request(message));
            }
            requirements.push((key.to_owned(), value.to_owned(), equal));
        }
        Ok(FieldSelector { requirements })
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.requirements.iter().all(|(key, value, equal)| {
            let pointer = format!("/{}", key.replace('.', "/"));
            let found = match object.pointer(&pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => match key.as_str() {
                    "spec.hostNetwork" | "spec.unschedulable" => "false".to_owned(),
                    _ => String::new(),
                },
                Some(other) => other.to_string(),
            };
            (found == *value) == *equal
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn label_selectors() {
        let labels = json!({"app": "web", "tier": "front", "n": "5"});
        for good in
            ["", "app=web", "app==web,tier!=back", "app in (web, api),!x", "tier notin (back)", "app", "n>4,n<6"]
        {
            assert!(Selector::parse(good).unwrap().matches(&labels), "{good}");
        }
        for other in ["app=api", "!app", "x", "app in (api)", "n>5"] {
            assert!(!Selector::parse(other).unwrap().matches(&labels), "{other}");
        }
        assert!(Selector::parse("a=b c").is_err());
        assert!(Selector::parse("app in web").is_err());
    }

    #[test]
    fn field_selectors() {
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}});
        assert!(FieldSelector::parse("metadata.name=a,status.phase!=Failed", "Pod").unwrap().matches(&pod));
        assert!(!FieldSelector::parse("status.phase=Failed", "Pod").unwrap().matches(&pod));
        assert!(FieldSelector::parse("spec.foo=a", "Pod").is_err());
    }
}
