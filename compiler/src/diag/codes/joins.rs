//! Codes of joins between definitions: 0300 to 0499.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const JOINS: &[&Code] = &[];
