//! The entries of a kustomization: labels, images, replicas, patches and what generates.
//!
//! **Invariant:** no field of an entry is ignored.

use super::{Behavior, Generator, Image, Labels, Makes, Options, Patch, Reader, Replicas, Target};
use crate::diag::{Diagnostic, codes};
use crate::syntax::yaml::Node;

impl Reader<'_> {
    pub(in crate::manifest) fn labels(&mut self, node: &Node) -> Option<Labels> {
        let mut labels = Labels { pairs: Vec::new(), selectors: false, templates: false, fields: Vec::new() };
        for (key, value) in self.map(node, "labels") {
            match key.value.as_str() {
                "pairs" => labels.pairs = self.pairs(value, "pairs"),
                "includeSelectors" => labels.selectors = self.flag(value, "includeSelectors"),
                "includeTemplates" => labels.templates = self.flag(value, "includeTemplates"),
                "fields" => labels.fields = self.field_specs(value, "fields"),
                _ => self.unknown(
                    key,
                    "an entry of `labels`",
                    &["pairs", "includeSelectors", "includeTemplates", "fields"],
                ),
            }
        }
        Some(labels)
    }

    pub(in crate::manifest) fn image(&mut self, node: &Node) -> Option<Image> {
        let (mut name, mut new_name, mut new_tag, mut digest, mut tag_suffix) = (None, None, None, None, None);
        for (key, value) in self.map(node, "images") {
            let field = key.value.as_str();
            match field {
                "name" => name = self.text(value, field),
                "newName" => new_name = self.text(value, field),
                "newTag" => new_tag = self.text(value, field),
                "digest" => digest = self.text(value, field),
                "tagSuffix" => tag_suffix = self.text(value, field),
                _ => self.unknown(key, "an entry of `images`", &["name", "newName", "newTag", "digest", "tagSuffix"]),
            }
        }
        let name = self.required(node, name, "an entry of `images`", "name")?;
        Some(Image { span: node.span, name, new_name, new_tag, digest, tag_suffix })
    }

    pub(in crate::manifest) fn replicas(&mut self, node: &Node) -> Option<Replicas> {
        let (mut name, mut count, mut count_span) = (None, 0, node.span);
        for (key, value) in self.map(node, "replicas") {
            match key.value.as_str() {
                "name" => name = self.text(value, "name"),
                "count" => match value.as_number().and_then(serde_json::Number::as_i64) {
                    Some(number) => (count, count_span) = (number, value.span),
                    None => self.wrong(value, "count", "a whole number"),
                },
                _ => self.unknown(key, "an entry of `replicas`", &["name", "count"]),
            }
        }
        let name = self.required(node, name, "an entry of `replicas`", "name")?;
        Some(Replicas { name, count, count_span })
    }

    pub(in crate::manifest) fn patch(&mut self, node: &Node) -> Option<Patch> {
        let mut patch = Patch {
            span: node.span,
            path: None,
            inline: None,
            target: None,
            allow_name_change: false,
            allow_kind_change: false,
        };
        for (key, value) in self.map(node, "patches") {
            match key.value.as_str() {
                "path" => patch.path = self.text(value, "path"),
                "patch" => patch.inline = self.text(value, "patch"),
                "target" => patch.target = self.target(value),
                "options" => {
                    for (key, value) in self.map(value, "options") {
                        match key.value.as_str() {
                            "allowNameChange" => patch.allow_name_change = self.flag(value, "allowNameChange"),
                            "allowKindChange" => patch.allow_kind_change = self.flag(value, "allowKindChange"),
                            _ => self.unknown(key, "`options` of a patch", &["allowNameChange", "allowKindChange"]),
                        }
                    }
                }
                _ => self.unknown(key, "a patch", &["path", "patch", "target", "options"]),
            }
        }
        Some(patch)
    }

    pub(in crate::manifest) fn target(&mut self, node: &Node) -> Option<Target> {
        const FIELDS: [&str; 7] =
            ["group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"];
        let mut target = Target::default();
        for (key, value) in self.map(node, "target") {
            let field = key.value.as_str();
            let slot = match field {
                "group" => &mut target.group,
                "version" => &mut target.version,
                "kind" => &mut target.kind,
                "name" => &mut target.name,
                "namespace" => &mut target.namespace,
                "labelSelector" => &mut target.labels,
                "annotationSelector" => &mut target.annotations,
                _ => {
                    self.unknown(key, "`target` of a patch", &FIELDS);
                    continue;
                }
            };
            *slot = self.text(value, field);
        }
        (!node.is_null()).then_some(target)
    }

    pub(in crate::manifest) fn config_map(&mut self, node: &Node) -> Option<Generator> {
        self.generator(node, "configMapGenerator")
    }

    pub(in crate::manifest) fn secret(&mut self, node: &Node) -> Option<Generator> {
        self.generator(node, "secretGenerator")
    }

    fn generator(&mut self, node: &Node, what: &str) -> Option<Generator> {
        const FIELDS: [&str; 9] =
            ["name", "namespace", "behavior", "literals", "files", "envs", "env", "options", "type"];
        let (mut name, mut namespace, mut behavior, mut options) = (None, None, Behavior::Create, Options::default());
        let (mut literals, mut files, mut envs) = (Vec::new(), Vec::new(), Vec::new());
        let secret = what == "secretGenerator";
        let mut makes = if secret { Makes::Secret("Opaque".to_owned()) } else { Makes::ConfigMap };
        for (key, value) in self.map(node, what) {
            let field = key.value.as_str();
            match field {
                "name" => name = self.text(value, field),
                "namespace" => namespace = self.text(value, field),
                "behavior" => behavior = self.behavior(value),
                "literals" => literals = self.texts(value, field),
                "files" => files = self.texts(value, field),
                "envs" => envs.extend(self.texts(value, field)),
                "env" => envs.extend(self.text(value, field)),
                "options" => options = self.options(value),
                "type" if secret => {
                    makes = self.text(value, field).map_or(makes, |text| Makes::Secret(text.value));
                }
                _ => self.unknown(key, &format!("an entry of `{what}`"), &FIELDS[..if secret { 9 } else { 8 }]),
            }
        }
        let name = self.required(node, name, &format!("an entry of `{what}`"), "name")?;
        Some(Generator { makes, span: node.span, name, namespace, behavior, literals, files, envs, options })
    }

    pub(in crate::manifest) fn behavior(&mut self, node: &Node) -> Behavior {
        match self.text(node, "behavior").as_ref().map(|text| text.value.as_str()) {
            None | Some("create") => Behavior::Create,
            Some("replace") => Behavior::Replace,
            Some("merge") => Behavior::Merge,
            Some(other) => {
                let message = format!("`behavior` is `create`, `replace` or `merge`, not `{other}`");
                self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, node.span, message));
                Behavior::Create
            }
        }
    }

    pub(in crate::manifest) fn options(&mut self, node: &Node) -> Options {
        const FIELDS: [&str; 4] = ["labels", "annotations", "disableNameSuffixHash", "immutable"];
        let mut options = Options::default();
        for (key, value) in self.map(node, "options") {
            let field = key.value.as_str();
            match field {
                "labels" => options.labels = self.pairs(value, field),
                "annotations" => options.annotations = self.pairs(value, field),
                "disableNameSuffixHash" => options.disable_hash = self.flag(value, field),
                "immutable" => options.immutable = self.flag(value, field),
                _ => self.unknown(key, "the options of a generator", &FIELDS),
            }
        }
        options
    }
}
