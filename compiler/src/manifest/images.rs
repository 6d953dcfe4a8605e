//! Images: references taken apart, the containers of an object, and Kustomize's `images`.
//!
//! **Invariant:** a reference is split as Kustomize splits it, so that what a bump writes and what is rendered agree.

use regex::Regex;
use serde_json::Value;

use super::fields::{FieldSpec, Make, visit};
use super::kustomization::Image;
use super::resource::Resource;

/// `NAME[:TAG][@DIGEST]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// With the registry, without tag and digest.
    pub name: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl Reference {
    /// Takes a reference apart; every text is one, as for Kustomize.
    pub fn parse(image: &str) -> Reference {
        // A port of the registry is not a tag: what stands before the first slash is left out of the search.
        let from = image.find('/').filter(|at| *at > 0).unwrap_or(0);
        let digest = image[from..].find('@').map(|at| from + at);
        let tag = image[from..].find(':').map(|at| from + at).filter(|at| digest.is_none_or(|digest| *at < digest));
        let name_end = tag.or(digest).unwrap_or(image.len());
        Reference {
            name: image[..name_end].to_owned(),
            tag: tag.map(|at| image[at + 1..digest.unwrap_or(image.len())].to_owned()).filter(|tag| !tag.is_empty()),
            digest: digest.map(|at| image[at + 1..].to_owned()).filter(|digest| !digest.is_empty()),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// A container of a workload, and where its image stands in the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// JSON pointer of the `image` field.
    pub pointer: String,
    pub name: String,
    pub image: String,
}

/// JSON pointer of the Pod spec in a built-in workload of this kind; `None` for other kinds.
pub fn pod_spec_pointer(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        ("", "Pod") => Some("/spec"),
        ("", "PodTemplate") => Some("/template/spec"),
        ("", "ReplicationController")
        | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job") => Some("/spec/template/spec"),
        ("batch", "CronJob") => Some("/spec/jobTemplate/spec/template/spec"),
        _ => None,
    }
}

/// The containers of a built-in workload: init containers first, then containers, then ephemeral ones.
pub fn containers(object: &Value) -> Vec<Container> {
    let api_version = object.get("apiVersion").and_then(Value::as_str).unwrap_or("");
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or("");
    let (group, _) = super::resource::group_version(api_version);
    let Some(spec) = pod_spec_pointer(group, kind) else { return Vec::new() };
    let mut found = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let pointer = format!("{spec}/{list}");
        let items = object.pointer(&pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (at, container) in items.iter().enumerate() {
            let text = |field: &str| container.get(field).and_then(Value::as_str).unwrap_or("").to_owned();
            found.push(Container {
                pointer: format!("{pointer}/{at}/image"),
                name: text("name"),
                image: text("image"),
            });
        }
    }
    found
}

/// An entry of `images`, ready to be applied.
pub(super) struct Rewrite<'a> {
    image: &'a Image,
    pattern: Regex,
}

impl<'a> Rewrite<'a> {
    /// The name is a regular expression for Kustomize; an error says why it is none.
    pub(super) fn new(image: &'a Image) -> Result<Rewrite<'a>, String> {
        let name = &image.name.value;
        let pattern = Regex::new(&format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$"))
            .map_err(|error| format!("`{name}` is no image name: {error}"))?;
        Ok(Rewrite { image, pattern })
    }

    /// Rewrites the images of all containers of an object, also of custom kinds, and what stands in `fields`; says
    /// whether any has the name.
    pub(super) fn apply(&self, resource: &mut Resource, fields: &[FieldSpec]) -> Result<bool, String> {
        if resource.kind() == "CustomResourceDefinition" {
            return Ok(false);
        }
        let mut matched = self.walk(&mut resource.value);
        for spec in fields {
            if spec.selects(resource.gvk()) {
                visit(&mut resource.value, spec, Make::Nothing, &mut |value| {
                    matched |= self.rewrite(value);
                    if value.is_object() || value.is_array() { Err("an image is a text".to_owned()) } else { Ok(()) }
                })?;
            }
        }
        Ok(matched)
    }

    fn rewrite(&self, value: &mut Value) -> bool {
        let Value::String(image) = value else { return false };
        let matched = self.pattern.is_match(image);
        if matched {
            *image = self.rewritten(image);
        }
        matched
    }

    fn walk(&self, value: &mut Value) -> bool {
        let mut matched = false;
        match value {
            Value::Object(map) => {
                for (name, field) in map.iter_mut() {
                    matched |= self.walk(field);
                    if name == "containers" || name == "initContainers" {
                        matched |= self.rewrite_list(field);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    matched |= self.walk(item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        matched
    }

    fn rewrite_list(&self, list: &mut Value) -> bool {
        let mut matched = false;
        for container in list.as_array_mut().into_iter().flatten() {
            matched |= container.get_mut("image").is_some_and(|image| self.rewrite(image));
        }
        matched
    }

    fn rewritten(&self, image: &str) -> String {
        let text = |text: &Option<crate::syntax::Text>| text.as_ref().map(|text| text.value.clone());
        let mut reference = Reference::parse(image);
        if let Some(name) = text(&self.image.new_name) {
            reference.name = name;
        }
        let (tag, digest) = (text(&self.image.new_tag), text(&self.image.digest));
        if tag.is_some() || digest.is_some() {
            (reference.tag, reference.digest) = (tag, digest);
        } else if let Some(suffix) = text(&self.image.tag_suffix) {
            reference.tag = Some(reference.tag.unwrap_or_default() + &suffix);
            reference.digest = None;
        }
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_taken_apart() {
        for (image, name, tag, digest) in [
            ("nginx", "nginx", None, None),
            ("nginx:1.2", "nginx", Some("1.2"), None),
            ("host:5000/a/b", "host:5000/a/b", None, None),
            ("host:5000/a/b:c", "host:5000/a/b", Some("c"), None),
            ("a/b@sha256:12", "a/b", None, Some("sha256:12")),
            ("a/b:c@sha256:12", "a/b", Some("c"), Some("sha256:12")),
        ] {
            let reference = Reference::parse(image);
            assert_eq!(
                (reference.name.as_str(), reference.tag.as_deref(), reference.digest.as_deref()),
                (name, tag, digest)
            );
            assert_eq!(reference.to_string(), image);
        }
    }

    #[test]
    fn containers_are_listed_with_their_place() {
        let job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": {
            "containers": [{"name": "a", "image": "x:1"}]}}}}}});
        let pointer = "/spec/jobTemplate/spec/template/spec/containers/0/image";
        assert_eq!(containers(&job), [Container { pointer: pointer.into(), name: "a".into(), image: "x:1".into() }]);
        assert_eq!(containers(&json!({"apiVersion": "v1", "kind": "Service"})), []);
    }
}
