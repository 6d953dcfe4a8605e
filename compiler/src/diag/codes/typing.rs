//! Codes of the expression language's limits and types: 0204 to 0249.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const TYPING: &[&Code] = &[
    &EXPRESSION_TOO_LONG,
    &EXPRESSION_TOO_DEEP,
    &UNKNOWN_FUNCTION,
    &WRONG_OPERAND,
    &WRONG_ARGUMENT,
    &EXPRESSION_RESULT,
    &EVALUATION_FAILED,
];

pub static EXPRESSION_TOO_LONG: Code = Code {
    number: 204,
    name: "expression-too-long",
    severity: Severity::Error,
    summary: "an expression has more bytes than it may have",
    explanation: "An expression has at most 4096 bytes. What needs more is a program: let a step compute it and write it to a result.",
    failing: "",
    fixed: "",
};

pub static EXPRESSION_TOO_DEEP: Code = Code {
    number: 205,
    name: "expression-too-deep",
    severity: Severity::Error,
    summary: "an expression is nested too deeply",
    explanation: "Brackets and choices may be 96 deep inside one another, and operators in a row 256 long. Nobody reads more than that.",
    failing: "",
    fixed: "",
};

pub static UNKNOWN_FUNCTION: Code = Code {
    number: 206,
    name: "unknown-function",
    severity: Severity::Error,
    summary: "an expression calls a function that there is not",
    explanation: "Expressions have the standard functions of CEL and those on strings: `size`, `contains`, `startsWith`, `endsWith`, `matches`, `lowerAscii`, `upperAscii`, `split`, `join`, `replace`, `substring`, `indexOf`, `trim` and the conversions `int`, `string`, `duration` and their like. Most of them are methods: `text.contains(\"…\")`.",
    failing: r#"project "shop"
task "test" {
    param "package" default="./..."
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package.lowerAscci()}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "package" default="./..."
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package.lowerAscii()}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
};

pub static WRONG_OPERAND: Code = Code {
    number: 207,
    name: "wrong-operand",
    severity: Severity::Error,
    summary: "an operator is used on values of types that it does not take",
    explanation: "Types are never converted silently: `\"v\" + 1` is an error, `\"v\" + string(1)` is right. `&&`, `||`, `!` and the test of a choice want bool, and the two values of a choice have one type.",
    failing: r#"project "shop"
task "test" {
    param "shards" type="int" default=2
    step "unit" image="golang:1.24" {
        run "./test.sh \"$SUITE\""
        env SUITE="${'suite-' + param.shards}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "shards" type="int" default=2
    step "unit" image="golang:1.24" {
        run "./test.sh \"$SUITE\""
        env SUITE="${'suite-' + string(param.shards)}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
};

pub static WRONG_ARGUMENT: Code = Code {
    number: 208,
    name: "wrong-argument",
    severity: Severity::Error,
    summary: "a function gets an argument of the wrong type, or too many or too few",
    explanation: "Functions of expressions are typed: each takes a fixed number of arguments of fixed types, sometimes in several forms.",
    failing: r#"project "shop"
task "test" {
    param "package" default="./..."
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package.replace('.', 1)}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "package" default="./..."
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package.replace('.', '1')}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
};

pub static EXPRESSION_RESULT: Code = Code {
    number: 209,
    name: "expression-result",
    severity: Severity::Error,
    summary: "an expression gives a value of another type than its place takes",
    explanation: "A condition gives bool. In a string an expression gives text, a number or a truth value; a list is made text with `join`.",
    failing: r#"project "shop"
task "test" {
    param "packages" default="a b"
    step "unit" image="golang:1.24" {
        run "go test $PACKAGES"
        env PACKAGES="${param.packages.split(' ')}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "packages" default="a b"
    step "unit" image="golang:1.24" {
        run "go test $PACKAGES"
        env PACKAGES="${param.packages.split(' ').join(',')}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
};

pub static EVALUATION_FAILED: Code = Code {
    number: 210,
    name: "evaluation-failed",
    severity: Severity::Error,
    summary: "an expression has no value for what it was given",
    explanation: "The expression is well typed, and still has no value: a division by zero, an index behind the end of a list, a number that is too large, a text that is no number, or more work than an expression may do. The message names the place in the expression.",
    failing: "",
    fixed: "",
};
