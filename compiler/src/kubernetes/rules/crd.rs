//! CustomResourceDefinitions: names, versions and the shape of their schemas.

use super::at::At;
use super::finding;
use super::values::{Unique, is_label, required, word};
use crate::diag::Diags;

/// As in apiextensions-apiserver: `ValidateCustomResourceDefinition`.
pub(super) fn check(object: At<'_>, diags: &mut Diags) {
    let Some(spec) = object.get("spec") else { return };
    word(spec, "scope", &["Cluster", "Namespaced"], diags);
    check_names(object, spec, diags);
    let mut names = Unique::default();
    let mut stored = Unique::default();
    let versions = spec.items("versions");
    for version in &versions {
        let name = version.word("name");
        diags.extend(names.add(name, version.place("name"), || format!("two versions are called `{name}`")));
        if version.bool("storage") {
            diags.extend(stored.add((), version.place("storage"), || "two versions are stored".to_owned()));
        }
        check_schema(*version, name, diags);
    }
    if !versions.is_empty() && stored.get(&()).is_none() {
        let place = spec.get("versions").map_or(spec.key, |versions| versions.key);
        diags.push(
            finding::invalid(place, "no version of the definition is stored", "write `storage: true` for one of them")
                .here("one needs `storage: true`"),
        );
    }
}

fn check_names(object: At<'_>, spec: At<'_>, diags: &mut Diags) {
    let (group, plural, name) = (spec.word("group"), spec.word("names.plural"), object.word("metadata.name"));
    if !group.is_empty() && !plural.is_empty() && name != format!("{plural}.{group}") {
        let place = object.place("metadata.name");
        diags.push(
            finding::invalid(
                place,
                format!("the definition is called `{name}`, not `{plural}.{group}`"),
                format!("name it `{plural}.{group}`"),
            )
            .here("must be PLURAL.GROUP")
            .label(spec.place("names.plural"), "the plural"),
        );
    }
    if !group.is_empty() && !group.contains('.') {
        let message = format!("the group `{group}` is no domain");
        diags.push(finding::invalid(spec.place("group"), message, "write at least two labels: `example.com`"));
    }
    for field in ["plural", "singular"] {
        if let Some(text) = spec.text(&format!("names.{field}")).filter(|text| !is_label(text)) {
            let place = spec.place(&format!("names.{field}"));
            diags.push(finding::invalid(
                place,
                format!("`{text}` is no name of a resource"),
                "use lower-case letters, digits and `-`",
            ));
        }
    }
    if let (Some(field), Some(kind)) = (spec.get("names.kind"), spec.text("names.kind"))
        && !is_label(&kind.to_lowercase())
    {
        diags.push(finding::invalid(field.span(), format!("`{kind}` is no kind"), "use letters and digits"));
    }
}

/// As in apiextensions-apiserver: `ValidateStructural`: every value of a schema has a type.
fn check_schema(version: At<'_>, name: &str, diags: &mut Diags) {
    let Some(schema) = version.get("schema.openAPIV3Schema") else {
        let whose = format!("version `{name}`");
        match version.get("schema") {
            Some(schema) => required(schema, "openAPIV3Schema", &whose, diags),
            None => required(version, "schema", &whose, diags),
        }
        return;
    };
    if schema.word("type") != "object" {
        diags.push(
            finding::invalid(
                schema.place("type"),
                format!("the schema of version `{name}` is not of the type `object`"),
                "write `type: object`",
            )
            .here("an object is a mapping"),
        );
        return;
    }
    check_types(schema, 0, diags);
}

fn check_types(schema: At<'_>, depth: usize, diags: &mut Diags) {
    let types = ["object", "array", "string", "integer", "number", "boolean"];
    word(schema, "type", &types, diags);
    let open = ["x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"];
    let ty = schema.word("type");
    if ty.is_empty() && !open.iter().any(|field| schema.bool(field)) && schema.node.as_map().is_some() {
        diags.push(
            finding::invalid(
                schema.key,
                "a part of the schema has no `type`",
                "write `type`, or `x-kubernetes-preserve-unknown-fields: true`",
            )
            .here("of which type?"),
        );
    }
    if ty == "array" && !schema.has("items") {
        diags.push(finding::missing(schema, "items", "a list of the schema"));
    }
    if schema.filled("properties") && schema.has("additionalProperties") {
        let (first, second) =
            (schema.get("properties").unwrap_or(schema), schema.get("additionalProperties").unwrap_or(schema));
        diags.push(finding::exclusive(
            second,
            first,
            "a part of the schema has both `properties` and `additionalProperties`",
        ));
    }
    if depth > 100 {
        return;
    }
    for (key, node) in schema.entries("properties") {
        check_types(At { node, key: key.span }, depth + 1, diags);
    }
    for field in ["items", "additionalProperties"] {
        if let Some(part) = schema.get(field).filter(|part| part.node.as_map().is_some()) {
            check_types(part, depth + 1, diags);
        }
    }
}
