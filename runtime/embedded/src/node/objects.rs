//! ConfigMaps and Secrets of the Pod's namespace, as bytes by key.
//!
//! Not here: where they are stored; the caller of the node gives a lookup.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds an object by kind, namespace and name.
pub type Lookup = Arc<dyn Fn(&str, &str, &str) -> Option<Value> + Send + Sync>;

pub(super) const CONFIG_MAP: &str = "ConfigMap";
pub(super) const SECRET: &str = "Secret";

/// The objects that one Pod may read.
pub(super) struct Objects {
    pub lookup: Lookup,
    pub namespace: String,
}

impl Objects {
    /// The data of a ConfigMap or Secret; `None` if it is optional and missing.
    pub(super) fn data(
        &self,
        kind: &str,
        name: &str,
        optional: bool,
    ) -> Result<Option<BTreeMap<String, Vec<u8>>>, String> {
        let Some(object) = (self.lookup)(kind, &self.namespace, name) else {
            if optional {
                return Ok(None);
            }
            return Err(format!("{} \"{name}\" not found", kind.to_lowercase()));
        };
        let mut data = BTreeMap::new();
        let map = |field: &str| object.get(field).and_then(Value::as_object);
        let plain = kind == CONFIG_MAP;
        for (field, encoded) in [("data", !plain), ("binaryData", true)] {
            for (key, value) in map(field).into_iter().flat_map(Map::iter) {
                let text = value.as_str().unwrap_or_default();
                let bytes = if encoded {
                    STANDARD
                        .decode(text)
                        .map_err(|error| format!("key `{key}` of {kind} `{name}` is not base64: {error}"))?
                } else {
                    text.as_bytes().to_vec()
                };
                data.insert(key.clone(), bytes);
            }
        }
        Ok(Some(data))
    }
}
