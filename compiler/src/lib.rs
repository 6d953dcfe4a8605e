//! The Waybill compiler: pure text to plan.
//!
//! `Sources → Tree → Spec → Model → Checked → Plan`, a straight line of plain functions.
//!
//! **Invariant:** no file access, network, process, clock, environment, async, threads or randomness: time, ids and
//! facts about the world are inputs.

pub mod diag;
pub mod dockerfile;
pub mod overlay;
pub mod plan;
pub mod source;
pub mod syntax;
