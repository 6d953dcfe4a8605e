//! Codes of manifests and kustomizations: 0600 to 0799.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const MANIFESTS: &[&Code] = &[];
