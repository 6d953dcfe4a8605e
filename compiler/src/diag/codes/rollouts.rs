//! Codes of rollouts and promotion: 0500 to 0599.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const ROLLOUTS: &[&Code] = &[];
