//! The Waybill runtime: what reads and changes the world.
//!
//! `load → compile → observe → plan::build → planfile`, then `apply: engine.next ⇄ effects`, journalled.
//!
//! **Invariant:** the runtime never interprets a spec; it executes a `Plan`. Commands are an argument struct, a library
//! call and a print; the exit code is a return value.

pub mod apply;
pub mod cli;
pub mod effects;
pub mod home;
pub mod journal;
pub mod load;
pub mod observe;
pub mod planfile;
pub mod step;
pub mod vendor;
