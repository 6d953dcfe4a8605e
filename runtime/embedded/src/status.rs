//! Failures as the API reports them: the `Status` object with its code, reason, message and details.
//!
//! **Invariant:** texts and codes are those of apimachinery's `api/errors` and `field` packages, since clients match on
//! them. Not here: when a request fails.

use serde_json::{Map, Value, json};

/// A failed request. Boxed details keep the error small.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Option<Box<Value>>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The group and plural name of a resource, as failures name it: `deployments.apps`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource {
    pub group: String,
    pub resource: String,
}

impl std::fmt::Display for GroupResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.group.is_empty() {
            true => f.write_str(&self.resource),
            false => write!(f, "{}.{}", self.resource, self.group),
        }
    }
}

/// What an invalid field is accused of.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    reason: &'static str,
    field: String,
    body: String,
}

impl Failure {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Failure {
        Failure { code, reason, message: message.into(), details: None }
    }

    fn with(mut self, details: Value) -> Failure {
        self.details = Some(Box::new(details));
        self
    }

    fn about(self, resource: &GroupResource, name: &str) -> Failure {
        self.with(details(resource, name))
    }

    pub fn not_found(resource: &GroupResource, name: &str) -> Failure {
        Failure::new(404, "NotFound", format!("{resource} {name:?} not found")).about(resource, name)
    }

    pub fn already_exists(resource: &GroupResource, name: &str) -> Failure {
        Failure::new(409, "AlreadyExists", format!("{resource} {name:?} already exists")).about(resource, name)
    }

    /// A generated name that was taken. `resource` has the plural name of the request.
    pub fn generated_name_taken(resource: &GroupResource, name: &str) -> Failure {
        let message = format!(
            "{resource} {name:?} already exists, the server was not able to generate a unique name for the object"
        );
        let mut failure = Failure::new(409, "AlreadyExists", message).about(resource, name);
        if let Some(Value::Object(details)) = failure.details.as_deref_mut() {
            details.insert("retryAfterSeconds".to_owned(), json!(1));
        }
        failure
    }

    pub fn conflict(resource: &GroupResource, name: &str, why: &str) -> Failure {
        let message = format!("Operation cannot be fulfilled on {resource} {name:?}: {why}");
        Failure::new(409, "Conflict", message).about(resource, name)
    }

    /// Another writer was faster.
    pub fn modified(resource: &GroupResource, name: &str) -> Failure {
        Failure::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// Server-side apply met fields of other managers: causes of field and message.
    pub fn apply_conflict(message: String, causes: Vec<(String, String)>) -> Failure {
        let causes: Vec<Value> = causes
            .into_iter()
            .map(|(field, message)| json!({"reason": "FieldManagerConflict", "message": message, "field": field}))
            .collect();
        Failure::new(409, "Conflict", message).with(json!({"causes": causes}))
    }

    pub fn forbidden(resource: &GroupResource, name: &str, why: &str) -> Failure {
        let message = match name.is_empty() {
            true => format!("{resource} is forbidden: {why}"),
            false => format!("{resource} {name:?} is forbidden: {why}"),
        };
        Failure::new(403, "Forbidden", message).about(resource, name)
    }

    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Failure {
        let qualified = GroupResource { group: group.to_owned(), resource: kind.to_owned() };
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = format!("{}: {}", error.field, error.body);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{qualified} {name:?} is invalid: {list}");
        let causes: Vec<Value> = errors.iter().map(FieldError::cause).collect();
        let mut about = details(&qualified, name);
        if let Value::Object(map) = &mut about {
            map.insert("causes".to_owned(), Value::Array(causes));
        }
        Failure::new(422, "Invalid", message).with(about)
    }

    pub fn bad_request(message: impl Into<String>) -> Failure {
        Failure::new(400, "BadRequest", message)
    }

    pub fn unprocessable(message: impl Into<String>) -> Failure {
        Failure::new(422, "Invalid", message)
    }

    pub fn internal(error: impl std::fmt::Display) -> Failure {
        Failure::new(500, "InternalError", format!("Internal error occurred: {error}"))
            .with(json!({"causes": [{"message": error.to_string()}]}))
    }

    /// An error that the API passes on without a reason.
    pub fn plain(message: impl Into<String>) -> Failure {
        Failure::new(500, "", message)
    }

    pub fn method_not_allowed() -> Failure {
        Failure::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with(json!({}))
    }

    /// No such path.
    pub fn no_such_path() -> Failure {
        Failure::new(404, "NotFound", "the server could not find the requested resource").with(json!({}))
    }

    pub fn unsupported_media_type(accepted: &[&str]) -> Failure {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Failure::new(415, "UnsupportedMediaType", message)
    }

    /// A patch of a type that the kind does not take.
    pub fn unsupported_patch() -> Failure {
        Failure::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with(json!({}))
    }

    pub fn gone(message: impl Into<String>) -> Failure {
        Failure::new(410, "Expired", message)
    }

    pub fn too_many(message: impl Into<String>, cause: &str) -> Failure {
        Failure::new(429, "TooManyRequests", message)
            .with(json!({"causes": [{"reason": "DisruptionBudget", "message": cause}]}))
    }

    /// A namespace that is going away takes no new objects.
    pub fn terminating(resource: &GroupResource, name: &str, namespace: &str) -> Failure {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut failure = Failure::forbidden(resource, name, &why);
        if let Some(Value::Object(details)) = failure.details.as_deref_mut() {
            let cause = json!({"reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace"});
            details.insert("causes".to_owned(), json!([cause]));
        }
        failure
    }

    /// The `Status` object that is sent.
    pub fn body(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind".to_owned(), json!("Status"));
        status.insert("apiVersion".to_owned(), json!("v1"));
        status.insert("metadata".to_owned(), json!({}));
        status.insert("status".to_owned(), json!("Failure"));
        status.insert("message".to_owned(), json!(self.message));
        if !self.reason.is_empty() {
            status.insert("reason".to_owned(), json!(self.reason));
        }
        if let Some(details) = &self.details {
            status.insert("details".to_owned(), (**details).clone());
        }
        status.insert("code".to_owned(), json!(self.code));
        Value::Object(status)
    }
}

fn details(resource: &GroupResource, name: &str) -> Value {
    let mut out = Map::new();
    for (key, text) in [("name", name), ("group", &resource.group), ("kind", &resource.resource)] {
        if !text.is_empty() {
            out.insert(key.to_owned(), json!(text));
        }
    }
    Value::Object(out)
}

impl FieldError {
    fn new(
        reason: &'static str,
        field: impl Into<String>,
        title: &str,
        value: Option<&Value>,
        detail: &str,
    ) -> FieldError {
        let mut body = title.to_owned();
        if let Some(value) = value {
            body.push_str(": ");
            body.push_str(&value.to_string());
        }
        if !detail.is_empty() {
            body.push_str(": ");
            body.push_str(detail);
        }
        FieldError { reason, field: field.into(), body }
    }

    pub fn required(field: impl Into<String>, detail: &str) -> FieldError {
        FieldError::new("FieldValueRequired", field, "Required value", None, detail)
    }

    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> FieldError {
        FieldError::new("FieldValueInvalid", field, "Invalid value", Some(value), detail)
    }

    pub fn duplicate(field: impl Into<String>, value: &Value) -> FieldError {
        FieldError::new("FieldValueDuplicate", field, "Duplicate value", Some(value), "")
    }

    pub fn not_found(field: impl Into<String>, value: &Value) -> FieldError {
        FieldError::new("FieldValueNotFound", field, "Not found", Some(value), "")
    }

    pub fn forbidden(field: impl Into<String>, detail: &str) -> FieldError {
        FieldError::new("FieldValueForbidden", field, "Forbidden", None, detail)
    }

    pub fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> FieldError {
        let quoted: Vec<String> = supported.iter().map(|item| format!("{item:?}")).collect();
        let detail = format!("supported values: {}", quoted.join(", "));
        FieldError::new("FieldValueNotSupported", field, "Unsupported value", Some(value), &detail)
    }

    pub fn too_long(field: impl Into<String>, max_bytes: usize) -> FieldError {
        let detail = format!("may not be more than {max_bytes} bytes");
        FieldError::new("FieldValueTooLong", field, "Too long", None, &detail)
    }

    /// A wrong type, as custom resource validation reports it.
    pub fn wrong_type(field: impl Into<String>, value: &Value, detail: &str) -> FieldError {
        FieldError::new("FieldValueTypeInvalid", field, "Invalid value", Some(value), detail)
    }

    fn cause(&self) -> Value {
        json!({"reason": self.reason, "message": self.body, "field": self.field})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_objects_name_their_fields() {
        let errors = [
            FieldError::required("spec.selector", ""),
            FieldError::invalid("spec.replicas", &json!(-1), "must be greater than or equal to 0"),
        ];
        let failure = Failure::invalid("apps", "Deployment", "web", &errors);
        assert_eq!(
            failure.message,
            "Deployment.apps \"web\" is invalid: [spec.selector: Required value, spec.replicas: Invalid value: -1: must be greater than or equal to 0]"
        );
        assert_eq!(failure.body()["details"]["causes"][0]["reason"], "FieldValueRequired");
        assert_eq!(failure.body()["details"]["kind"], "Deployment");
    }
}
