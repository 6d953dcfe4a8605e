//! Codes of `${…}` expressions: 0200 to 0299.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const EXPRESSIONS: &[&Code] = &[];
