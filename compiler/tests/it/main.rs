//! Integration tests of this crate, one binary.

mod corpus;
mod yaml;
