//! CustomResourceDefinitions: the kinds they define and the types their schemas describe.
//!
//! **Invariant:** a schema that cannot be understood is read as free-form, never refused. Not here: validation of
//! custom resources against their schema; they are stored as they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::kinds::{Kind, Scale};
use crate::schema::{self, Empty, Field, Relation, Scalar, Struct, Type};

/// The served versions of a definition, the storage version first.
pub fn kinds(definition: &Value) -> Vec<Kind> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let Some(versions) = spec["versions"].as_array() else {
        return Vec::new();
    };
    let storage = versions
        .iter()
        .find(|version| version["storage"] == true)
        .map(|version| text(&version["name"]))
        .unwrap_or_default();
    let mut served: Vec<&Value> = versions.iter().filter(|version| version["served"] == true).collect();
    served.sort_by_key(|version| version["storage"] != true);
    let kind_of = |version: &&Value| Kind {
        group: text(&spec["group"]),
        version: text(&version["name"]),
        kind: text(&names["kind"]),
        plural: text(&names["plural"]),
        singular: match names["singular"].as_str() {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => text(&names["kind"]).to_lowercase(),
        },
        short_names: texts(&names["shortNames"]),
        categories: texts(&names["categories"]),
        namespaced: spec["scope"] == "Namespaced",
        has_status: version["subresources"]["status"].is_object(),
        scale: scale(&version["subresources"]["scale"]),
        ty: resource_type(version),
        custom: true,
        storage_version: storage.clone(),
    };
    served.iter().map(kind_of).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn scale(value: &Value) -> Option<Scale> {
    let pointer = |key: &str| value[key].as_str().map(|path| path.replace('.', "/"));
    Some(Scale {
        spec_replicas: pointer("specReplicasPath")?,
        status_replicas: pointer("statusReplicasPath")?,
        selector: pointer("labelSelectorPath"),
    })
}

fn resource_type(version: &Value) -> Type {
    let root = &version["schema"]["openAPIV3Schema"];
    let open = root["x-kubernetes-preserve-unknown-fields"] == true;
    match root["properties"].as_object() {
        Some(properties) => {
            let fields = properties
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata"))
                .map(|(name, property)| (name.clone(), field(property)))
                .collect();
            schema::custom_with(fields, open)
        }
        None => schema::custom(),
    }
}

fn field(property: &Value) -> Field {
    let mut field = Field::new(property_type(property), Empty::Pointer);
    field.default = property.get("default").cloned();
    field
}

/// The type that a structural schema describes.
fn property_type(property: &Value) -> Type {
    if property["x-kubernetes-int-or-string"] == true {
        return Type::Any;
    }
    let atomic = property["x-kubernetes-map-type"] == "atomic";
    let open = property["x-kubernetes-preserve-unknown-fields"] == true;
    match property["type"].as_str() {
        Some("object") => match (property["properties"].as_object(), property.get("additionalProperties")) {
            (Some(properties), _) => {
                let fields: BTreeMap<String, Field> =
                    properties.iter().map(|(name, property)| (name.clone(), field(property))).collect();
                let shape = Struct { name: String::new(), fields, open };
                Type::Struct { shape: Arc::new(shape), atomic }
            }
            (None, Some(element)) if element.is_object() => {
                Type::Map { element: Arc::new(property_type(element)), atomic }
            }
            (None, _) => Type::Any,
        },
        Some("array") => Type::List {
            element: Arc::new(property_type(&property["items"])),
            relation: match property["x-kubernetes-list-type"].as_str() {
                Some("map") => Relation::Keys(texts(&property["x-kubernetes-list-map-keys"])),
                Some("set") => Relation::Set,
                _ => Relation::Atomic,
            },
        },
        Some("string") => Type::Scalar(Scalar::String),
        Some("boolean") => Type::Scalar(Scalar::Bool),
        Some("integer") => Type::Scalar(Scalar::Int64),
        Some("number") => Type::Scalar(Scalar::Float),
        _ => Type::Any,
    }
}

/// Puts the defaults of the schema into an object, as the API does on every read and write.
pub fn default(ty: &Type, value: &mut Value) {
    match (ty, value) {
        (Type::Struct { shape, .. }, Value::Object(map)) => {
            for (name, field) in &shape.fields {
                if let (Some(default), false) = (&field.default, map.get(name).is_some_and(|value| !value.is_null())) {
                    map.insert(name.clone(), default.clone());
                }
                if let Some(inner) = map.get_mut(name) {
                    default(&field.ty, inner);
                }
            }
        }
        (Type::Map { element, .. }, Value::Object(map)) => {
            for inner in map.values_mut() {
                default(element, inner);
            }
        }
        (Type::List { element, .. }, Value::Array(items)) => {
            for inner in items {
                default(element, inner);
            }
        }
        _ => {}
    }
}
