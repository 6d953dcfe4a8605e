//! Reading `replacements`, `vars` and the fields that say how a build behaves.
//!
//! **Invariant:** no field is ignored.

use super::{Object, Part, Place, Reader, Replacement, ReplacementField, Sort, Source, SourceField, Target, Variable};
use crate::diag::{Diagnostic, codes};
use crate::syntax::Text;
use crate::syntax::yaml::Node;

/// The OpenAPI document that Kustomize has by default.
const OPENAPI: &str = "v1.21.2";

impl Reader<'_> {
    pub(in crate::manifest) fn replacement_field(&mut self, node: &Node) -> Option<ReplacementField> {
        let Some((key, path)) = node.entry("path") else {
            return self.replacement(node).map(ReplacementField::Here);
        };
        if node.as_map().is_some_and(|fields| fields.len() > 1) {
            let message = "a replacement is either in a file or written here";
            self.diags.push(Diagnostic::new(&codes::REPLACEMENT, key.span, message).here("beside other fields"));
            return None;
        }
        self.text(path, "path").map(ReplacementField::File)
    }

    /// One replacement, or a list of them, as a file of `replacements` has it.
    pub(in crate::manifest) fn replacement_file(&mut self, node: &Node) -> Vec<Replacement> {
        match node.as_seq() {
            Some(_) => self.each(node, "replacements", Reader::replacement),
            None => self.replacement(node).into_iter().collect(),
        }
    }

    pub(in crate::manifest) fn replacement(&mut self, node: &Node) -> Option<Replacement> {
        let (mut source, mut value, mut targets) = (None, None, Vec::new());
        for (key, field) in self.map(node, "a replacement") {
            match key.value.as_str() {
                "source" => source = self.source(field),
                "sourceValue" => value = self.plain(field, "sourceValue"),
                "targets" => targets = self.each(field, "targets", Reader::place),
                _ => self.unknown(key, "a replacement", &["source", "sourceValue", "targets", "path"]),
            }
        }
        let source = match (source, value) {
            (Some(source), None) => Source::Field(Box::new(source)),
            (None, Some(value)) => Source::Value(value),
            (Some(_), Some(value)) => {
                let message = "a replacement has either `source` or `sourceValue`, not both";
                self.diags.push(Diagnostic::new(&codes::REPLACEMENT, value.span, message));
                return None;
            }
            (None, None) => return self.lacks(node, "source"),
        };
        if targets.is_empty() {
            return self.lacks(node, "targets");
        }
        Some(Replacement { source, targets })
    }

    fn lacks<T>(&mut self, node: &Node, field: &str) -> Option<T> {
        if node.as_map().is_some() && node.get(field).is_none_or(Node::is_null) {
            let message = format!("a replacement has no `{field}`");
            self.diags.push(Diagnostic::new(&codes::REPLACEMENT, node.span, message));
        }
        None
    }

    /// A text, or what YAML reads as a number or truth value, as it is written.
    pub(in crate::manifest) fn plain(&mut self, node: &Node, what: &str) -> Option<Text> {
        if node.as_number().is_some() || node.as_bool().is_some() {
            return Some(Text::plain(node.to_json().to_string(), node.span));
        }
        node.as_text().cloned().or_else(|| self.text(node, what))
    }

    fn source(&mut self, node: &Node) -> Option<SourceField> {
        const FIELDS: [&str; 7] = ["group", "version", "kind", "name", "namespace", "fieldPath", "options"];
        let (mut object, mut path, mut options) = (Target::default(), None, Part::default());
        for (key, value) in self.map(node, "source") {
            let field = key.value.as_str();
            let slot = match field {
                "group" => &mut object.group,
                "version" => &mut object.version,
                "kind" => &mut object.kind,
                "name" => &mut object.name,
                "namespace" => &mut object.namespace,
                "fieldPath" => &mut path,
                "options" => {
                    options = self.part(value);
                    continue;
                }
                _ => {
                    self.unknown(key, "the source of a replacement", &FIELDS);
                    continue;
                }
            };
            *slot = self.text(value, field);
        }
        node.as_map().map(|_| SourceField { span: node.span, object, path, options })
    }

    fn place(&mut self, node: &Node) -> Option<Place> {
        let (mut select, mut reject, mut paths, mut options) = (None, Vec::new(), Vec::new(), Part::default());
        for (key, value) in self.map(node, "a target") {
            let field = key.value.as_str();
            match field {
                "select" => select = self.target(value),
                "reject" => reject = self.each(value, field, Reader::target),
                "fieldPaths" => paths = self.texts(value, field),
                "options" => options = self.part(value),
                _ => self.unknown(key, "the target of a replacement", &["select", "reject", "fieldPaths", "options"]),
            }
        }
        let Some(select) = select else {
            let message = "a target of a replacement has no `select`";
            self.diags.push(Diagnostic::new(&codes::REPLACEMENT, node.span, message));
            return None;
        };
        Some(Place { span: node.span, select, reject, paths, options })
    }

    fn part(&mut self, node: &Node) -> Part {
        let mut part = Part::default();
        for (key, value) in self.map(node, "options") {
            let field = key.value.as_str();
            match field {
                "delimiter" => part.delimiter = self.text(value, field).map(|text| text.value),
                "index" => part.index = self.number(value, field),
                "create" => part.create = self.flag(value, field),
                "encoding" => {
                    let message = "`encoding` of a replacement does nothing in Kustomize";
                    self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_UNSUPPORTED, key.span, message));
                }
                _ => self.unknown(key, "`options` of a replacement", &["delimiter", "index", "create"]),
            }
        }
        part
    }

    pub(in crate::manifest) fn number(&mut self, node: &Node, what: &str) -> i64 {
        let number = node.as_number().and_then(serde_json::Number::as_i64);
        if number.is_none() && !node.is_null() {
            self.wrong(node, what, "a whole number");
        }
        number.unwrap_or_default()
    }

    pub(in crate::manifest) fn variable(&mut self, node: &Node) -> Option<Variable> {
        let (mut name, mut object, mut path) = (None, Object::default(), None);
        for (key, value) in self.map(node, "vars") {
            // Kustomize reads these names whatever their case, and both are in use.
            match key.value.to_ascii_lowercase().as_str() {
                "name" => name = self.text(value, "name"),
                "objref" => object = self.object(value),
                "fieldref" => {
                    for (key, value) in self.map(value, "fieldref") {
                        match key.value.to_ascii_lowercase().as_str() {
                            "fieldpath" => path = self.text(value, "fieldPath"),
                            _ => self.unknown(key, "`fieldref` of a variable", &["fieldPath"]),
                        }
                    }
                }
                _ => self.unknown(key, "an entry of `vars`", &["name", "objref", "fieldref"]),
            }
        }
        let name = self.required(node, name, "an entry of `vars`", "name")?;
        Some(Variable { name, object, path })
    }

    fn object(&mut self, node: &Node) -> Object {
        const FIELDS: [&str; 6] = ["apiVersion", "group", "version", "kind", "name", "namespace"];
        let (mut object, mut api_version) = (Object::default(), None);
        for (key, value) in self.map(node, "objref") {
            let field = key.value.as_str();
            let text = self.text(value, field).map(|text| text.value).unwrap_or_default();
            match field {
                "apiVersion" => api_version = Some(text),
                "group" => object.group = text,
                "version" => object.version = text,
                "kind" => object.kind = text,
                "name" => object.name = text,
                "namespace" => object.namespace = text,
                _ => self.unknown(key, "`objref` of a variable", &FIELDS),
            }
        }
        match api_version.as_deref().map(|text| text.split_once('/').ok_or(text)) {
            Some(Ok((group, version))) => (object.group, object.version) = (group.to_owned(), version.to_owned()),
            Some(Err(version)) if !version.is_empty() => version.clone_into(&mut object.version),
            Some(Err(_)) | None => {}
        }
        object
    }

    /// `None` for the order `fifo`, which is that of the files.
    pub(in crate::manifest) fn sort(&mut self, node: &Node) -> Option<Sort> {
        let (mut legacy, mut own) = (false, None);
        for (key, value) in self.map(node, "sortOptions") {
            let field = key.value.as_str();
            match field {
                "order" => match self.text(value, field).as_ref().map(|text| text.value.as_str()) {
                    Some("legacy") => legacy = true,
                    Some("fifo") | None => {}
                    Some(other) => {
                        let message = format!("`order` is `legacy` or `fifo`, not `{other}`");
                        self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, value.span, message));
                    }
                },
                "legacySortOptions" => own = Some((key, self.kinds(value))),
                _ => self.unknown(key, "`sortOptions`", &["order", "legacySortOptions"]),
            }
        }
        match own {
            Some((_, kinds)) if legacy => Some(kinds),
            Some((key, _)) => {
                let message = "`legacySortOptions` needs `order: legacy`";
                self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, key.span, message));
                None
            }
            None => legacy.then(Sort::default),
        }
    }

    fn kinds(&mut self, node: &Node) -> Sort {
        let mut sort = Sort { first: Vec::new(), last: Vec::new() };
        for (key, value) in self.map(node, "legacySortOptions") {
            let field = key.value.as_str();
            let list = match field {
                "orderFirst" => &mut sort.first,
                "orderLast" => &mut sort.last,
                _ => {
                    self.unknown(key, "`legacySortOptions`", &["orderFirst", "orderLast"]);
                    continue;
                }
            };
            *list = self.texts(value, field).into_iter().map(|text| text.value).collect();
        }
        sort
    }

    /// Another schema would change how patches merge lists, for everything that is rendered in one run of Kustomize.
    pub(in crate::manifest) fn openapi(&mut self, node: &Node) {
        for (key, value) in self.map(node, "openapi") {
            match (key.value.as_str(), value.as_str()) {
                ("version", Some(OPENAPI)) => {}
                ("version", _) => {
                    let message = format!("the built-in schema of Kustomize is `{OPENAPI}`, and there is no other");
                    self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_UNSUPPORTED, value.span, message));
                }
                ("path", _) => {
                    let finding = Diagnostic::new(
                        &codes::KUSTOMIZATION_UNSUPPORTED,
                        key.span,
                        "a schema of its own (`openapi.path`) is not supported",
                    );
                    let finding = finding
                        .here("it would replace the built-in one, and change how patches merge lists")
                        .help("use a JSON patch for the lists of custom kinds");
                    self.diags.push(finding);
                }
                _ => self.unknown(key, "`openapi`", &["path", "version"]),
            }
        }
    }

    /// Annotations and labels that say which Kustomize made an object.
    pub(in crate::manifest) fn build_metadata(&mut self, key: &Text, node: &Node) {
        if !self.texts(node, "buildMetadata").is_empty() {
            let message = "`buildMetadata` of a kustomization is not supported";
            let finding = Diagnostic::new(&codes::KUSTOMIZATION_UNSUPPORTED, key.span, message)
                .here("what it writes names the version of Kustomize")
                .help("remove it: the plan says where every object comes from");
            self.diags.push(finding);
        }
    }
}
