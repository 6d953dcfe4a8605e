//! Codes of blocks, properties and values: 0100 to 0199.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const LANGUAGE: &[&Code] = &[];
