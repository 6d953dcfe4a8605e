//! Every code of the compiler, one static each; a number is never used again.
//!
//! The examples are run by a test: each failing one gives its code, each fixed one does not.
//! An example is the text of `waybill.kdl`; a line `--- PATH` starts another file.

mod analyses;
mod containers;
mod credentials;
mod delivery;
mod expressions;
mod files;
mod generators;
mod governance;
mod joins;
mod kdl;
mod kustomize;
mod language;
mod links;
mod manifests;
mod modules;
mod objects;
mod planning;
mod rollouts;
mod rules;
mod runs;
mod schemas;
mod symptoms;
mod tasks;
mod typing;

pub use containers::*;
pub use credentials::*;
mod strategies;

pub use analyses::*;
pub use delivery::*;
pub use expressions::*;
pub use files::*;
pub use generators::*;
pub use governance::*;
pub use joins::*;
pub use kdl::*;
pub use kustomize::*;
pub use language::*;
pub use links::*;
pub use manifests::*;
pub use modules::*;
pub use objects::*;
pub use planning::*;
pub use rollouts::*;
pub use rules::*;
pub use runs::*;
pub use schemas::*;
pub use strategies::*;
pub use symptoms::*;
pub use tasks::*;
pub use typing::*;

use crate::diag::Severity;

/// A kind of finding: what it is called, why it matters, and how it goes away.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    pub number: u16,
    pub name: &'static str,
    pub severity: Severity,
    pub summary: &'static str,
    pub explanation: &'static str,
    pub failing: &'static str,
    pub fixed: &'static str,
}

impl Code {
    /// `WB0123`.
    pub fn id(&self) -> String {
        format!("WB{:04}", self.number)
    }
}

/// All codes, by number.
pub fn all() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = [
        ANALYSES,
        CREDENTIALS,
        SYMPTOMS,
        DELIVERY,
        STRATEGIES,
        FILES,
        KDL,
        LANGUAGE,
        EXPRESSIONS,
        JOINS,
        OBJECTS,
        ROLLOUTS,
        MANIFESTS,
        MODULES,
        KUSTOMIZE,
        PLANNING,
        TASKS,
        RUNS,
        CONTAINERS,
        GOVERNANCE,
        TYPING,
        RULES,
        GENERATORS,
        SCHEMAS,
        LINKS,
    ]
    .concat();
    codes.sort_by_key(|code| code.number);
    codes
}

/// The code called `WB0123`, `0123`, `123` or by its name.
pub fn find(text: &str) -> Option<&'static Code> {
    let digits = text.strip_prefix("WB").or_else(|| text.strip_prefix("wb")).unwrap_or(text);
    let number: Option<u16> = digits.parse().ok();
    all().into_iter().find(|code| Some(code.number) == number || code.name == text)
}
