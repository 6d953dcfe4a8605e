//! The journal of applies: what was intended and what came of it, kept with the target.
//!
//! **Invariant:** a journal only grows, by one record at a time; whoever appends holds its head, or is fenced off. The
//! records that outlive an apply are in `records`, the locks in `lock`.

pub mod fold;
pub mod lock;
pub mod record;
pub mod records;
pub mod store;

/// Namespace of journals, records and locks, in each target.
pub use waybill_compiler::plan::build::system::NAMESPACE as SYSTEM_NAMESPACE;
