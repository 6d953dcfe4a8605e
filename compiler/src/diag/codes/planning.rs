//! Codes of findings that only planning can make: 0800 to 0899.
//!
//! They need git or a cluster, so their examples are empty: the tests of plans show them.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const PLANNING: &[&Code] = &[
    &NO_REPOSITORY,
    &PARAM_UNSET,
    &OVERLAY_UNEDITABLE,
    &CLUSTER_UNREACHABLE,
    &OBJECT_REFUSED,
    &NAMESPACE_MISSING,
    &SECRET_MISSING,
    &UNKNOWN_OPTION,
    &BRANCH_MISSING,
    &KIND_NOT_SERVED,
    &OUTSIDE,
    &NOT_SUPPORTED_BY_APPLY,
];

pub static NO_REPOSITORY: Code = Code {
    number: 800,
    name: "no-repository",
    severity: Severity::Error,
    summary: "a pipeline is planned outside a git repository",
    explanation: "A pipeline's run is known by the commit that it builds. The project's folder must be a git repository with at least one commit.",
    failing: "",
    fixed: "",
};

pub static PARAM_UNSET: Code = Code {
    number: 801,
    name: "param-unset",
    severity: Severity::Error,
    summary: "a pipeline's parameter has no value",
    explanation: "A parameter without a default gets its value from `--param [PIPELINE.]NAME=VALUE`. Only a parameter of type `commit` takes the revision by itself.",
    failing: "",
    fixed: "",
};

pub static OVERLAY_UNEDITABLE: Code = Code {
    number: 802,
    name: "overlay-uneditable",
    severity: Severity::Error,
    summary: "a kustomization cannot be edited",
    explanation: "A tag bump changes only the bytes of the scalars in `images`. The file is written in a form in which that is not possible; the message names the place.",
    failing: "",
    fixed: "",
};

pub static CLUSTER_UNREACHABLE: Code = Code {
    number: 803,
    name: "cluster-unreachable",
    severity: Severity::Error,
    summary: "a cluster cannot be read",
    explanation: "Without the facts of a cluster nothing that runs there can be planned. What runs elsewhere can be planned by `--env`.",
    failing: "",
    fixed: "",
};

pub static OBJECT_REFUSED: Code = Code {
    number: 804,
    name: "object-refused",
    severity: Severity::Error,
    summary: "the cluster refuses an object",
    explanation: "The API server was asked, without writing, whether it would take the object, and said no.",
    failing: "",
    fixed: "",
};

pub static NAMESPACE_MISSING: Code = Code {
    number: 806,
    name: "namespace-missing",
    severity: Severity::Error,
    summary: "a namespace does not exist",
    explanation: "Objects and Pods need their namespace. With create=#true the plan makes it.",
    failing: "",
    fixed: "",
};

pub static SECRET_MISSING: Code = Code {
    number: 807,
    name: "secret-missing",
    severity: Severity::Error,
    summary: "a Secret that the spec names does not exist",
    explanation: "A `secret` block promises that the Secret is there. This version makes no Secrets; it checks that they exist before anything runs.",
    failing: "",
    fixed: "",
};

pub static UNKNOWN_OPTION: Code = Code {
    number: 808,
    name: "unknown-option-name",
    severity: Severity::Error,
    summary: "an option names something that the spec does not have",
    explanation: "`--env`, `--pipeline` and `--param` take names of the spec.",
    failing: "",
    fixed: "",
};

pub static BRANCH_MISSING: Code = Code {
    number: 809,
    name: "branch-missing",
    severity: Severity::Error,
    summary: "the branch does not exist at the remote",
    explanation: "Tag bumps are commits on the project's branch at its remote. Push the branch first.",
    failing: "",
    fixed: "",
};

pub static KIND_NOT_SERVED: Code = Code {
    number: 810,
    name: "kind-not-served",
    severity: Severity::Error,
    summary: "the target does not serve a kind",
    explanation: "The API server knows no such kind in this version: its CRD is not installed, or the version is too old or too new.",
    failing: "",
    fixed: "",
};

pub static OUTSIDE: Code = Code {
    number: 811,
    name: "outside",
    severity: Severity::Error,
    summary: "something outside the spec keeps Waybill from working",
    explanation: "Git, the file system or a cluster said no. The message is theirs, with the way out where there is one.",
    failing: "",
    fixed: "",
};

pub static NOT_SUPPORTED_BY_APPLY: Code = Code {
    number: 812,
    name: "not-supported-by-apply",
    severity: Severity::Error,
    summary: "the spec asks for what apply cannot do yet",
    explanation: "The language and its checks know this, but this version of apply cannot carry it out. A plan is refused rather than left without it: what is written is done as written or not at all. `waybill check` still checks it.",
    failing: "",
    fixed: "",
};
