//! Placeholders of values that only a run can give. They have the form of the type that they stand for, so that what they
//! stand in can be rendered and dry-run, and are found again because nothing else has their bytes.

use serde_json::Value;

use super::Unknown;
use super::digest::sha256;

/// The digest of an image that is built: `pipeline.ci.image.api`.
pub fn digest(pipeline: &str, image: &str) -> Unknown {
    let from = format!("pipeline.{pipeline}.image.{image}");
    let placeholder = format!("sha256:{}", sha256(format!("waybill unknown {from}").as_bytes()));
    Unknown { placeholder, from, r#type: "digest".into(), expression: format!("image.{image}.digest") }
}

/// A result of a task: `pipeline.ci.task.test.result.coverage`.
pub fn result(pipeline: &str, task: &str, result: &str, ty: &str) -> Unknown {
    let from = format!("pipeline.{pipeline}.task.{task}.result.{result}");
    let placeholder = format!("waybill-unknown-{}", sha256(from.as_bytes()));
    Unknown { placeholder, from, r#type: ty.into(), expression: format!("task.{task}.result.{result}") }
}

/// Which of `unknowns` stand in a value.
pub fn within(value: &Value, unknowns: &[Unknown]) -> Vec<Unknown> {
    if unknowns.is_empty() {
        return Vec::new();
    }
    let text = value.to_string();
    unknowns.iter().filter(|unknown| text.contains(&unknown.placeholder)).cloned().collect()
}

/// A text with its placeholders replaced by what people read.
pub fn shown(text: &str, unknowns: &[Unknown]) -> String {
    unknowns.iter().fold(text.to_owned(), |text, unknown| {
        text.replace(&unknown.placeholder, &format!("(known after {})", unknown.from))
    })
}
