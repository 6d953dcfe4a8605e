//! The walk over an object along its schema.
//!
//! **Invariant:** below a value of the wrong type nothing is looked at.

use super::{findings, metadata, rules, values};
use crate::diag::{Diagnostic, Diags, Severity, codes};
use crate::kubernetes::Object;
use crate::kubernetes::schema::{Known, Schema, Schemas, Type};
use crate::source::{Sources, Span};
use crate::syntax::Text;
use crate::syntax::yaml::{Kind, Node};

/// Fields that the OpenAPI document calls required (the Go field has no `omitempty`) although the API server fills them
/// in or takes them empty.
const NOT_ENFORCED: &[&str] = &["apiGroup", "status", "conditions", "serviceName", "podSelector", "metadata"];

/// Where the walk is.
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

struct Walk<'a> {
    sources: &'a Sources,
    schemas: &'a Schemas,
    custom: bool,
    /// Whether unknown fields are looked for: not within `allOf`, `anyOf`, `oneOf` and `not`.
    strict: bool,
    path: Vec<Step<'a>>,
    found: Vec<Diagnostic>,
}

/// Reports what of an object its schema does not allow; of a kind without a schema, only its metadata is looked at.
pub(super) fn object<'a>(
    sources: &'a Sources,
    object: &Object<'a>,
    schemas: &'a Schemas,
    known: Option<&Known<'a>>,
    diags: &mut Diags,
) {
    let mut walk = Walk { sources, schemas, custom: false, strict: true, path: Vec::new(), found: Vec::new() };
    let key = findings::document(object, "kind");
    match known {
        Some(known) if !known.custom => walk.value(known.schema, object.node, key),
        Some(known) => walk.custom_object(known.schema, object.node, key, drops_status(schemas, object)),
        None => walk.metadata(object.node),
    }
    diags.extend(walk.found);
}

fn drops_status(schemas: &Schemas, object: &Object<'_>) -> bool {
    let definition = schemas.definition(object.group, object.kind);
    let version = definition.and_then(|known| known.versions.iter().find(|known| known.name == object.version));
    version.is_some_and(|version| version.drops_status)
}

impl<'a> Walk<'a> {
    fn path(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Field(name) if name.contains('.') => text.push_str(&format!("[{name}]")),
                Step::Field(name) if text.is_empty() => text.push_str(name),
                Step::Field(name) => text.push_str(&format!(".{name}")),
                Step::Item(at) => text.push_str(&format!("[{at}]")),
            }
        }
        text
    }

    fn path_to(&self, name: &str) -> String {
        let path = self.path();
        if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
    }

    /// The `metadata` of an object, by the built-in schema.
    fn metadata(&mut self, node: &'a Node) {
        let Some((key, metadata)) = node.entry("metadata") else { return };
        let Some(schema) = self.schemas.release.object_meta() else { return };
        self.path.push(Step::Field("metadata"));
        let custom = std::mem::replace(&mut self.custom, false);
        self.value(schema, metadata, key.span);
        self.custom = custom;
        self.path.pop();
    }

    /// A custom object: its head is as that of every object, the rest by its definition.
    fn custom_object(&mut self, schema: &'a Schema, node: &'a Node, key: Span, drops_status: bool) {
        self.custom = true;
        let before = self.found.len();
        self.value(schema, node, key);
        if let Some((name, status)) = node.entry("status").filter(|_| drops_status) {
            // The API server drops what is written as status before it judges the object.
            let within = |span: Span| span.start >= name.span.start && span.end <= status.span.end;
            for finding in &mut self.found[before..] {
                if within(finding.span) && finding.code != &codes::FIELD_UNKNOWN {
                    finding.severity = Severity::Warning;
                    finding.notes.push("`status` is dropped when the object is created".to_owned());
                }
            }
        }
        self.metadata(node);
    }

    /// A value of a field whose key is at `key`.
    fn value(&mut self, schema: &'a Schema, node: &'a Node, key: Span) {
        let schema = self.schemas.resolve(schema);
        let lacks = node.is_null() && self.custom && !schema.nullable && schema.ty != Type::Any;
        if (node.is_null() && lacks && !has_default(schema)) || (!node.is_null() && !fits(schema.ty, node)) {
            self.found.push(findings::wrong_type(self.sources, &self.path(), schema, node, key));
            return;
        }
        if node.is_null() {
            return;
        }
        let before = self.found.len();
        match &node.kind {
            Kind::Map(entries) => self.object(schema, entries, node, key),
            Kind::Seq(items) => self.items(schema, items),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) => {}
        }
        if self.has_bounds(schema) {
            let path = self.path();
            values::check(&path, schema, node, self.custom, &mut self.found);
        }
        if self.found.len() == before {
            self.alternatives(schema, node, key);
        }
        if self.found.len() == before && self.custom && self.strict && !schema.rules.is_empty() {
            let path = self.path();
            rules::check(&path, self.schemas, schema, node, key, self.path.is_empty(), &mut self.found);
        }
    }

    fn items(&mut self, schema: &'a Schema, items: &'a [Node]) {
        let Some(inner) = &schema.items else { return };
        for (at, item) in items.iter().enumerate() {
            self.path.push(Step::Item(at));
            let place = item.as_map().and_then(<[_]>::first).map_or(item.span, |(key, _)| key.span);
            self.value(inner, item, place);
            self.path.pop();
        }
    }

    fn has_bounds(&self, schema: &Schema) -> bool {
        self.custom
            || !schema.format.is_empty()
            || !schema.allowed.is_empty()
            || matches!(schema.ty, Type::Quantity | Type::IntOrText | Type::Integer)
    }

    fn object(&mut self, schema: &'a Schema, entries: &'a [(Text, Node)], node: &'a Node, key: Span) {
        let headed = self.custom && (self.path.is_empty() || schema.embedded);
        let head = |name: &str| headed && matches!(name, "apiVersion" | "kind" | "metadata");
        let mut meant = Vec::new();
        for (name, value) in entries {
            let inner = schema.properties.get(&name.value).or(schema.additional.as_deref());
            if headed && name.value == "metadata" && !value.is_null() {
                continue;
            }
            if let Some(inner) = inner {
                self.path.push(Step::Field(&name.value));
                self.value(inner, value, name.span);
                self.path.pop();
            } else if self.strict && !head(&name.value) && self.closed(schema) {
                meant.extend(self.unknown(schema, name, entries, headed));
            }
        }
        if !self.custom && schema.properties.contains_key("managedFields") && self.path.len() > 1 {
            // The metadata of a template; that of the object itself is looked at elsewhere.
            let mut diags = Diags::default();
            metadata::labels(node, &mut diags);
            metadata::annotations(node, &mut diags);
            self.found.extend(diags);
        }
        self.required(schema, entries, &meant, key);
    }

    /// Whether only the fields that the schema names are known.
    fn closed(&self, schema: &Schema) -> bool {
        let named = !schema.properties.is_empty();
        !schema.preserves && schema.ty == Type::Object && schema.additional.is_none() && (named || self.custom)
    }

    fn unknown(&mut self, schema: &'a Schema, name: &Text, entries: &[(Text, Node)], headed: bool) -> Option<String> {
        let mut known: Vec<&str> = schema.properties.keys().map(String::as_str).collect();
        if headed {
            let head = ["apiVersion", "kind", "metadata"];
            known.extend(head.into_iter().filter(|head| !schema.properties.contains_key(*head)));
        }
        let (finding, meant) = findings::unknown(&self.path_to(&name.value), name, &known, entries);
        self.found.push(finding);
        meant
    }

    fn required(&mut self, schema: &'a Schema, entries: &[(Text, Node)], meant: &[String], key: Span) {
        if !self.custom && matches!(self.path.first(), Some(Step::Field("status"))) {
            return;
        }
        for name in &schema.required {
            let written = entries.iter().find(|(key, _)| key.value == *name);
            let given = written.is_some_and(|(_, value)| self.custom || !value.is_null());
            let defaulted = schema.properties.get(name).is_some_and(has_default);
            let enforced = self.custom || !NOT_ENFORCED.contains(&name.as_str());
            if given || defaulted || !enforced || meant.contains(name) {
                continue;
            }
            let span = written.map_or(key, |(key, _)| key.span);
            self.found.push(findings::missing(&self.path_to(name), name, span));
        }
    }

    /// The findings of a part of the value validation.
    fn judged(&mut self, schema: &'a Schema, node: &'a Node, key: Span) -> Vec<Diagnostic> {
        let strict = std::mem::replace(&mut self.strict, false);
        let kept = std::mem::take(&mut self.found);
        self.value(schema, node, key);
        self.strict = strict;
        std::mem::replace(&mut self.found, kept)
    }

    fn alternatives(&mut self, schema: &'a Schema, node: &'a Node, key: Span) {
        for part in &schema.all_of {
            let found = self.judged(part, node, key);
            self.found.extend(found);
        }
        for (parts, one) in [(&schema.any_of, false), (&schema.one_of, true)] {
            let mut fitting = 0;
            for part in parts {
                fitting += usize::from(self.judged(part, node, key).is_empty());
            }
            if !parts.is_empty() && (fitting == 0 || (one && fitting > 1)) {
                let finding = self.no_alternative(parts, fitting, node, key);
                self.found.push(finding);
            }
        }
        if let Some(not) = &schema.not
            && self.judged(not, node, key).is_empty()
        {
            let finding = findings::value(&self.name(), place(node, key), "has a form that is excluded");
            self.found.push(finding);
        }
    }

    fn name(&self) -> String {
        let path = self.path();
        if path.is_empty() { "the object".to_owned() } else { path }
    }

    fn no_alternative(&self, parts: &[Schema], fitting: usize, node: &Node, key: Span) -> Diagnostic {
        let needed: Vec<String> =
            parts.iter().flat_map(|part| &part.required).map(|name| format!("`{name}`")).collect();
        let why = match (fitting, needed.is_empty()) {
            (0, true) => "fits none of the forms that are allowed".to_owned(),
            (0, false) => format!("needs one of {}", needed.join(", ")),
            (_, true) => "fits more than one of the forms of which one is allowed".to_owned(),
            (_, false) => format!("has more than one of {}", needed.join(", ")),
        };
        findings::value(&self.name(), place(node, key), why)
    }
}

fn has_default(schema: &Schema) -> bool {
    schema.default.as_ref().is_some_and(|default| !default.is_null())
}

/// The place of a value: the key of a collection, else the value itself.
fn place(node: &Node, key: Span) -> Span {
    match node.kind {
        Kind::Map(_) | Kind::Seq(_) => key,
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) => node.span,
    }
}

fn fits(ty: Type, node: &Node) -> bool {
    match ty {
        Type::Any => true,
        Type::Object => matches!(node.kind, Kind::Map(_)),
        Type::Array => matches!(node.kind, Kind::Seq(_)),
        Type::Text => matches!(node.kind, Kind::Str(_)),
        Type::Integer => node.as_number().is_some_and(whole),
        Type::Number => matches!(node.kind, Kind::Number(_)),
        Type::Boolean => matches!(node.kind, Kind::Bool(_)),
        Type::IntOrText => matches!(node.kind, Kind::Str(_)) || node.as_number().is_some_and(whole),
        Type::Quantity => matches!(node.kind, Kind::Str(_) | Kind::Number(_)),
    }
}

fn whole(number: &serde_json::Number) -> bool {
    number.as_f64().is_some_and(|value| value.fract() == 0.0)
}
