//! Codes of modules and of the lock file: 0040 to 0059.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const MODULES: &[&Code] = &[
    &MODULE_SOURCE,
    &MODULE_NOT_FOUND,
    &NOT_A_MODULE,
    &MODULE_CONTENT,
    &MODULE_CYCLE,
    &TOO_MANY_MODULES,
    &MODULE_NOT_LOCKED,
    &MODULE_NOT_VENDORED,
    &MODULE_CHANGED,
    &LOCK_UNREADABLE,
    &LOCK_ENTRY_UNUSED,
];

pub static MODULE_SOURCE: Code = Code {
    number: 40,
    name: "module-source",
    severity: Severity::Error,
    summary: "a `use` does not name a module in a way that can be followed",
    explanation: "A module is a folder, written as a path from the spec's own folder that stays inside of the project, or a git repository, written `git+URL#REVISION` with a full commit id, a tag or a branch; `path` names a folder in the repository.",
    failing: r##"project "shop"
use "https://git.example.com/platform/catalog.git" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
"##,
    fixed: r##"project "shop"
use "ci/catalog" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- ci/catalog/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static MODULE_NOT_FOUND: Code = Code {
    number: 41,
    name: "module-not-found",
    severity: Severity::Error,
    summary: "there is no module at the path of a `use`",
    explanation: "A module is a folder with a spec of its own: `waybill.kdl` or `waybill.yaml`, or files under `.waybill/`. Paths are seen from the folder of the spec that has the `use`.",
    failing: r##"project "shop"
use "ci/catalg" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- ci/catalog/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
    fixed: r##"project "shop"
use "ci/catalog" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- ci/catalog/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static NOT_A_MODULE: Code = Code {
    number: 42,
    name: "not-a-module",
    severity: Severity::Error,
    summary: "what a `use` names is not a module",
    explanation: "Only a spec with a `module` block gives tasks to others: its owner then knows that it is used from outside. A project cannot be used; move the tasks that both need into a module.",
    failing: r##"project "shop"
use "ci/catalog" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- ci/catalog/waybill.kdl
project "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
    fixed: r##"project "shop"
use "ci/catalog" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- ci/catalog/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static MODULE_CONTENT: Code = Code {
    number: 43,
    name: "module-content",
    severity: Severity::Error,
    summary: "a module has a block that only projects have",
    explanation: "A module gives tasks, and brings other modules. Pipelines, environments, triggers and policies name clusters, namespaces and groups of one project: they belong there.",
    failing: r##"project "shop"
use "ci/catalog" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- ci/catalog/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
cluster "prod"
"##,
    fixed: r##"project "shop"
use "ci/catalog" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- ci/catalog/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static MODULE_CYCLE: Code = Code {
    number: 44,
    name: "module-cycle",
    severity: Severity::Error,
    summary: "modules use one another in a circle",
    explanation: "A module that uses itself, directly or through others, would bring its tasks without end. Move what both need into a module that uses neither.",
    failing: r##"project "shop"
use "a" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- a/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
use "../b" as="b"
--- b/waybill.kdl
module "b"
use "../a" as="a"
"##,
    fixed: r##"project "shop"
use "a" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- a/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
use "../b" as="b"
--- b/waybill.kdl
module "b"
"##,
};

pub static TOO_MANY_MODULES: Code = Code {
    number: 45,
    name: "too-many-modules",
    severity: Severity::Error,
    summary: "modules are used too deep, or too many of them",
    explanation: "Modules may use one another four deep, and a project may have 64 uses with those of its modules: enough for any catalog that a person can review. Use a module directly where its tasks are needed.",
    failing: r##"project "shop"
use "m1" as="m"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="m.next.next.next.next.hello"
}
--- m1/waybill.kdl
module "m1"
use "../m2" as="next"
--- m2/waybill.kdl
module "m2"
use "../m3" as="next"
--- m3/waybill.kdl
module "m3"
use "../m4" as="next"
--- m4/waybill.kdl
module "m4"
use "../m5" as="next"
--- m5/waybill.kdl
module "m5"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
    fixed: r##"project "shop"
use "m1" as="m"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="m.next.next.next.hello"
}
--- m1/waybill.kdl
module "m1"
use "../m2" as="next"
--- m2/waybill.kdl
module "m2"
use "../m3" as="next"
--- m3/waybill.kdl
module "m3"
use "../m4" as="next"
--- m4/waybill.kdl
module "m4"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static MODULE_NOT_LOCKED: Code = Code {
    number: 46,
    name: "module-not-locked",
    severity: Severity::Error,
    summary: "a module from git is not in `waybill.lock`",
    explanation: "A check and a plan never reach the network. `waybill vendor` fetches each module from git, writes which commit it is at and a digest of its files into `waybill.lock`, and puts the files under `vendor/waybill`; both are committed, so that a change of a module is reviewed like any other.",
    failing: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
"##,
    fixed: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 1

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}
--- vendor/waybill/catalog-0123456789ab/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static MODULE_NOT_VENDORED: Code = Code {
    number: 47,
    name: "module-not-vendored",
    severity: Severity::Error,
    summary: "the copy of a module from git is missing",
    explanation: "`waybill.lock` names the module, but its files are not under `vendor/waybill`, or not at the `path` of the `use`. `waybill vendor` fetches them again; the folder belongs into the repository together with the lock file.",
    failing: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 1

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}
"##,
    fixed: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 1

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}
--- vendor/waybill/catalog-0123456789ab/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static MODULE_CHANGED: Code = Code {
    number: 48,
    name: "module-changed",
    severity: Severity::Error,
    summary: "the copy of a module is not what `waybill.lock` says",
    explanation: "The digest of the files under `vendor/waybill` differs from the one in the lock file: they were edited, or only one of both was committed. Change a module in its own repository; `waybill vendor` restores what its commit has.",
    failing: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 1

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}
--- vendor/waybill/catalog-0123456789ab/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo bye"
    }
}
"##,
    fixed: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 1

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}
--- vendor/waybill/catalog-0123456789ab/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static LOCK_UNREADABLE: Code = Code {
    number: 49,
    name: "lock-unreadable",
    severity: Severity::Error,
    summary: "`waybill.lock` is not as `waybill vendor` writes it",
    explanation: "The lock file is written by `waybill vendor` and read as a whole or not at all. After a merge conflict in it, take either side and run `waybill vendor`.",
    failing: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 2

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}
--- vendor/waybill/catalog-0123456789ab/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
    fixed: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 1

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}
--- vendor/waybill/catalog-0123456789ab/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};

pub static LOCK_ENTRY_UNUSED: Code = Code {
    number: 50,
    name: "lock-entry-unused",
    severity: Severity::Warning,
    summary: "`waybill.lock` has a module that nothing uses",
    explanation: "The `use` that it was written for is gone or names another revision by now. `waybill vendor` removes the entry and the copy.",
    failing: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 1

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}

module "git+https://git.example.com/platform/other.git" ref="v1" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:00"
}
--- vendor/waybill/catalog-0123456789ab/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
    fixed: r##"project "shop"
use "git+https://git.example.com/platform/catalog.git#0123456789abcdef0123456789abcdef01234567" as="catalog"
pipeline "ci" {
    runs-on namespace="ci"
    task "hello" use="catalog.hello"
}
--- waybill.lock
version 1

module "git+https://git.example.com/platform/catalog.git" ref="0123456789abcdef0123456789abcdef01234567" {
    commit "0123456789abcdef0123456789abcdef01234567"
    content "sha256:aa9b84e21d592b4c92341430db57a60498f642bac05623cc890cbd729b4e3430"
}
--- vendor/waybill/catalog-0123456789ab/waybill.kdl
module "catalog"
task "hello" {
    step "say" image="alpine:3.22" {
        run "echo hello"
    }
}
"##,
};
