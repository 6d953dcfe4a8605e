//! Integration tests of this crate, one binary.

mod codes;
mod corpus;
mod project;
mod yaml;
