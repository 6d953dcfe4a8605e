//! Codes of rollouts and promotion: 0500 to 0599.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const ROLLOUTS: &[&Code] = &[&PROMOTION_CYCLE];

pub static PROMOTION_CYCLE: Code = Code {
    number: 500,
    name: "promotion-cycle",
    severity: Severity::Error,
    summary: "an environment is promoted from itself, or in a circle",
    explanation: "Promotion takes what another environment has proved. Environments that wait for each other in a circle would never get anything.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    promote from="dev"
}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
}
environment "prod" {
    cluster "default" namespace="prod"
    promote from="dev"
}
"#,
};
