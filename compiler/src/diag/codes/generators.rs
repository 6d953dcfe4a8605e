//! Codes of generators of environments: 0140 to 0159.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const GENERATORS: &[&Code] =
    &[&GENERATOR_EMPTY, &GENERATOR_SOURCE, &GENERATOR_LIMIT, &EACH_OUTSIDE, &GENERATOR_NAME];

pub static GENERATOR_EMPTY: Code = Code {
    number: 140,
    name: "generator-empty",
    severity: Severity::Error,
    summary: "a `for-each` finds no element",
    explanation: "An environment that stands for nothing would vanish in silence, with all that it delivers. Where there may be none, `allow-empty` says so.",
    failing: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        list "eu"
        exclude "e*"
    }
}
"##,
    fixed: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        list "eu" "us"
        exclude "e*"
    }
}
"##,
};

pub static GENERATOR_SOURCE: Code = Code {
    number: 141,
    name: "generator-source",
    severity: Severity::Error,
    summary: "a `for-each` cannot read what it goes over",
    explanation: "Folders and files are found by a folder and a pattern for the last name. A folder that is missing, or a file that is no mapping, is an error and never an empty set.",
    failing: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        directories "deploy/*"
    }
}
"##,
    fixed: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        directories "deploy/*"
    }
}
--- deploy/eu/web.yaml
{}
"##,
};

pub static GENERATOR_LIMIT: Code = Code {
    number: 142,
    name: "generator-limit",
    severity: Severity::Error,
    summary: "a `for-each` makes too many environments",
    explanation: "One block may stand for at most 100 environments. More than that is most often a pattern that fits too much.",
    failing: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        list "r0" "r1" "r2" "r3" "r4" "r5" "r6" "r7" "r8" "r9" "r10" "r11" "r12" "r13" "r14" "r15" "r16" "r17" "r18" "r19" "r20" "r21" "r22" "r23" "r24" "r25" "r26" "r27" "r28" "r29" "r30" "r31" "r32" "r33" "r34" "r35" "r36" "r37" "r38" "r39" "r40" "r41" "r42" "r43" "r44" "r45" "r46" "r47" "r48" "r49" "r50" "r51" "r52" "r53" "r54" "r55" "r56" "r57" "r58" "r59" "r60" "r61" "r62" "r63" "r64" "r65" "r66" "r67" "r68" "r69" "r70" "r71" "r72" "r73" "r74" "r75" "r76" "r77" "r78" "r79" "r80" "r81" "r82" "r83" "r84" "r85" "r86" "r87" "r88" "r89" "r90" "r91" "r92" "r93" "r94" "r95" "r96" "r97" "r98" "r99" "r100"
    }
}
"##,
    fixed: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        list "eu" "us"
    }
}
"##,
};

pub static EACH_OUTSIDE: Code = Code {
    number: 143,
    name: "each-outside",
    severity: Severity::Error,
    summary: "`each` stands where there is no `for-each`",
    explanation: "`${each.NAME}` is an element of the `for-each` of the same environment. Without one it stands for nothing.",
    failing: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
}
"##,
    fixed: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        list "eu"
    }
}
"##,
};

pub static GENERATOR_NAME: Code = Code {
    number: 144,
    name: "generator-name",
    severity: Severity::Error,
    summary: "an element makes no name, or one that is there already",
    explanation: "The name of an environment ends with the element that it was made for. It must be a name, and every environment needs its own.",
    failing: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        list "EU_1"
    }
}
"##,
    fixed: r##"project "shop"
environment "shop" {
    cluster "default" namespace="shop-${each.region}"
    for-each "region" {
        list "eu-1"
    }
}
"##,
};
