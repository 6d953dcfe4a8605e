//! Pods, wherever a kind has a template of them.

use super::at::At;
use super::labels::check_selector;
use super::values::{Unique, is_qualified, label_name, not_empty, not_negative, one_of, required, within, word};
use super::{containers, finding, scheduling, volumes};
use crate::diag::{Diagnostic, Diags, codes};

/// What makes the Pods decides how they may restart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    Itself,
    Controller,
    Job,
}

/// A template of Pods in `owner`. As in `pkg/apis/core/validation`: `ValidatePodTemplateSpec`.
pub(super) fn check_template(owner: At<'_>, path: &str, maker: Maker, diags: &mut Diags) {
    let Some(template) = owner.get(path) else { return };
    if template.node.as_map().is_none() {
        return;
    }
    let Some(spec) = template.get("spec") else {
        diags.push(finding::missing(template, "spec", "the Pod template"));
        return;
    };
    if !template.items("spec.ephemeralContainers").is_empty() {
        let field = spec.get("ephemeralContainers").unwrap_or(spec);
        diags.push(finding::forbidden(field, "a Pod template cannot have `ephemeralContainers`"));
    }
    check_restart(spec, maker, diags);
    check_with_claims(spec, &owner.items("volumeClaimTemplates"), diags);
}

/// A controller's Pods restart always, a job's never do so by themselves. As in `pkg/apis/apps/validation` and
/// `pkg/apis/batch/validation`: `ValidatePodTemplateSpecForReplicaSet`, `validateJobSpec`.
fn check_restart(spec: At<'_>, maker: Maker, diags: &mut Diags) {
    let policy = spec.word("restartPolicy");
    let (allowed, default): (&[&str], bool) = match maker {
        Maker::Itself => (&["Always", "OnFailure", "Never"], true),
        Maker::Controller => (&["Always"], true),
        Maker::Job => (&["OnFailure", "Never"], false),
    };
    if policy.is_empty() && default || allowed.contains(&policy) {
        return;
    }
    let listed: Vec<String> = allowed.iter().map(|word| format!("`{word}`")).collect();
    let listed = listed.join(" or ");
    let message = match (policy, maker) {
        ("", _) => "the Pods of a job say no `restartPolicy`".to_owned(),
        (policy, Maker::Job) => format!("the Pods of a job cannot have the `restartPolicy` `{policy}`"),
        (policy, Maker::Controller) => format!("the Pods of a controller cannot have the `restartPolicy` `{policy}`"),
        (policy, Maker::Itself) => format!("`restartPolicy` cannot be `{policy}`"),
    };
    let finding = Diagnostic::new(&codes::RESTART_POLICY, spec.place("restartPolicy"), message);
    let here = if policy.is_empty() { "the default is `Always`" } else { "not allowed here" };
    diags.push(finding.here(here).help(format!("write `restartPolicy:` with {listed}")));
}

/// A Pod's spec. As in `pkg/apis/core/validation`: `ValidatePodSpec`.
pub(super) fn check(spec: At<'_>, diags: &mut Diags) {
    check_with_claims(spec, &[], diags);
}

fn check_with_claims<'a>(spec: At<'a>, claims: &[At<'a>], diags: &mut Diags) {
    not_empty(spec, "containers", "the Pod", diags);
    let volumes = volumes::check(spec, claims, diags);
    containers::check(spec, &volumes, diags);
    word(spec, "dnsPolicy", &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"], diags);
    word(spec, "preemptionPolicy", &["Never", "PreemptLowerPriority"], diags);
    word(spec, "os.name", &["linux", "windows"], diags);
    within(spec, "activeDeadlineSeconds", (1, i64::from(i32::MAX)), diags);
    not_negative(spec, &["terminationGracePeriodSeconds"], diags);
    label_name(spec, "hostname", "host", diags);
    label_name(spec, "subdomain", "subdomain", diags);
    check_dns(spec, diags);
    check_names(spec, diags);
    check_security(spec, diags);
    check_host_aliases(spec, diags);
    scheduling::check(spec, diags);
}

/// As in `pkg/apis/core/validation`: `validatePodDNSConfig`.
fn check_dns(spec: At<'_>, diags: &mut Diags) {
    let servers = spec.items("dnsConfig.nameservers");
    if spec.word("dnsPolicy") == "None" && servers.is_empty() {
        let owner = spec.get("dnsConfig").or_else(|| spec.get("dnsPolicy")).unwrap_or(spec);
        diags.push(finding::missing(owner, "nameservers", "a `dnsConfig` with `dnsPolicy: None`"));
    }
    if let Some(fourth) = servers.get(3) {
        let message = format!("`nameservers` has {} entries, and 3 are allowed", servers.len());
        diags.push(finding::invalid(fourth.span(), message, "remove the others"));
    }
    for server in &servers {
        if let Some(text) = server.node.as_str().filter(|text| text.parse::<std::net::IpAddr>().is_err()) {
            let message = format!("`{text}` is no IP address");
            diags.push(finding::invalid(server.span(), message, "a name server is given by its address"));
        }
    }
    for option in spec.items("dnsConfig.options") {
        required(option, "name", "an option of `dnsConfig`", diags);
    }
}

/// As in `pkg/apis/core/validation`: `validateImagePullSecrets`, `validateReadinessGates`, `validateSchedulingGates`,
/// `validatePodResourceClaims`.
fn check_names(spec: At<'_>, diags: &mut Diags) {
    for secret in spec.items("imagePullSecrets") {
        required(secret, "name", "an entry of `imagePullSecrets`", diags);
    }
    for gate in spec.items("readinessGates") {
        if let Some(field) = gate.get("conditionType").filter(|_| !is_qualified(gate.word("conditionType"))) {
            let message = format!("`{}` is no type of a condition", gate.word("conditionType"));
            diags.push(finding::invalid(field.span(), message, "write it as `DOMAIN/NAME`"));
        }
    }
    for list in ["schedulingGates", "resourceClaims"] {
        let mut names = Unique::default();
        for entry in spec.items(list) {
            if let Some(name) = entry.text("name") {
                let message = || format!("`{list}` has `{name}` twice");
                diags.extend(names.add(name, entry.place("name"), message));
            }
        }
    }
    for claim in spec.items("resourceClaims") {
        let sources = ["resourceClaimName", "resourceClaimTemplateName"];
        one_of(claim, "a resource claim", &sources, true, diags);
    }
}

/// As in `pkg/apis/core/validation`: `validatePodSpecSecurityContext`, `validateHostUsers`, `validateSysctls`.
fn check_security(spec: At<'_>, diags: &mut Diags) {
    if spec.bool("shareProcessNamespace") && spec.bool("hostPID") {
        let (field, other) = (spec.get("shareProcessNamespace").unwrap_or(spec), spec.get("hostPID").unwrap_or(spec));
        diags.push(finding::exclusive(field, other, "the Pod has both `shareProcessNamespace` and `hostPID`"));
    }
    if let Some(users) = spec.get("hostUsers").filter(|users| users.node.as_bool() == Some(false)) {
        for field in ["hostPID", "hostIPC"].into_iter().filter(|field| spec.bool(field)) {
            let other = spec.get(field).unwrap_or(spec);
            diags.push(finding::exclusive(other, users, format!("the Pod has both `{field}` and `hostUsers: false`")));
        }
    }
    let Some(context) = spec.get("securityContext") else { return };
    not_negative(context, &["runAsUser", "runAsGroup", "fsGroup"], diags);
    word(context, "fsGroupChangePolicy", &["OnRootMismatch", "Always"], diags);
    containers::check_profiles(context, diags);
    let mut names = Unique::default();
    for sysctl in context.items("sysctls") {
        required(sysctl, "name", "a sysctl", diags);
        if let Some(name) = sysctl.text("name") {
            diags.extend(names.add(name, sysctl.place("name"), || format!("sysctl `{name}` is set twice")));
        }
    }
}

/// As in `pkg/apis/core/validation`: `ValidateHostAliases`.
fn check_host_aliases(spec: At<'_>, diags: &mut Diags) {
    for alias in spec.items("hostAliases") {
        if let Some(field) = alias.get("ip").filter(|_| alias.word("ip").parse::<std::net::IpAddr>().is_err()) {
            let message = format!("`{}` is no IP address", alias.word("ip"));
            diags.push(finding::invalid(field.span(), message, "an alias is for an address"));
        }
        for name in alias.items("hostnames") {
            let bad = name.node.as_str().filter(|text| !super::values::is_subdomain(text));
            if let Some(text) = bad {
                diags.push(finding::invalid(name.span(), format!("`{text}` is no host name"), "write a DNS name"));
            }
        }
    }
}

/// The label selectors of a Pod's spread constraints and affinities share one judgement.
pub(super) fn check_inner_selector(owner: At<'_>, diags: &mut Diags) {
    for name in ["labelSelector", "namespaceSelector"] {
        if let Some(selector) = owner.get(name) {
            check_selector(selector, diags);
        }
    }
}
