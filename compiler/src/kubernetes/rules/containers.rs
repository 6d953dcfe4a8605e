//! The containers of a Pod: names, images, ports, mounts, security.

use std::collections::BTreeMap;

use super::at::At;
use super::values::{Unique, is_port_name, label_name, not_negative, port, word};
use super::volumes::{Volume, check_relative};
use super::{environment, finding, probes, resources};
use crate::diag::{Diagnostic, Diags, codes, suggest};

type Volumes<'a> = BTreeMap<&'a str, Volume>;

/// As in `pkg/apis/core/validation`: `validateContainers`, `validateInitContainers`, `validateEphemeralContainers`.
pub(super) fn check(spec: At<'_>, volumes: &Volumes<'_>, diags: &mut Diags) {
    let mut names = Unique::default();
    let mut host_ports = Unique::default();
    let claims: Vec<&str> = spec.items("resourceClaims").iter().map(|claim| claim.word("name")).collect();
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in spec.items(list) {
            let name = container.word("name");
            let whose = format!("container `{name}`");
            label_name(container, "name", "container", diags);
            if !name.is_empty() {
                let message = || format!("the Pod has two containers `{name}`");
                diags.extend(names.add(name, container.place("name"), message));
            }
            if container.node.as_map().is_some() && image_missing(container) {
                diags.push(finding::missing(container, "image", &whose));
            }
            check_one(container, &whose, spec, volumes, diags);
            resources::check_claims(container, &claims, diags);
            match list {
                "containers" => {
                    probes::check(container, diags);
                    check_host_ports(container, &mut host_ports, diags);
                }
                "initContainers" => check_init(container, &whose, diags),
                _ => check_ephemeral(container, &whose, diags),
            }
        }
    }
}

fn image_missing(container: At<'_>) -> bool {
    match container.get("image") {
        None => true,
        Some(image) => image.node.as_str() == Some(""),
    }
}

fn check_one(container: At<'_>, whose: &str, spec: At<'_>, volumes: &Volumes<'_>, diags: &mut Diags) {
    if let Some(image) = container.text("image")
        && image.trim() != image
    {
        let message = format!("the image of {whose} begins or ends with a blank");
        diags.push(finding::invalid(container.place("image"), message, "remove the blank"));
    }
    word(container, "imagePullPolicy", &["Always", "IfNotPresent", "Never"], diags);
    word(container, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"], diags);
    check_ports(container, whose, spec, diags);
    environment::check(container, whose, diags);
    check_mounts(container, whose, volumes, diags);
    check_devices(container, whose, volumes, diags);
    resources::check(container, whose, diags);
    if let Some(context) = container.get("securityContext") {
        check_security(context, whose, diags);
    }
}

/// As in `pkg/apis/core/validation`: `validateContainerPorts`, `validatePodHostNetworkDeps`.
fn check_ports(container: At<'_>, whose: &str, spec: At<'_>, diags: &mut Diags) {
    let mut names = Unique::default();
    for entry in container.items("ports") {
        if let Some(name) = entry.text("name") {
            if !is_port_name(name) {
                diags.push(bad_port_name(entry, name));
            }
            diags.extend(names.add(name, entry.place("name"), || format!("{whose} has two ports `{name}`")));
        }
        port(entry, "containerPort", diags);
        if entry.int("hostPort") != Some(0) {
            port(entry, "hostPort", diags);
        }
        word(entry, "protocol", &["TCP", "UDP", "SCTP"], diags);
        let (host, own) = (entry.int("hostPort").filter(|port| *port != 0), entry.int("containerPort"));
        if let (true, Some(host), Some(own)) = (spec.bool("hostNetwork"), host, own)
            && host != own
        {
            let message = format!("`hostPort` is {host} and `containerPort` {own}, on the network of the host");
            let finding = finding::invalid(entry.place("hostPort"), message, "on `hostNetwork` both are the same");
            diags.push(finding.label(entry.place("containerPort"), "this one"));
        }
    }
}

fn bad_port_name(entry: At<'_>, name: &str) -> Diagnostic {
    let help = "up to 15 lower-case letters, digits and `-`, with at least one letter and no `-` at an end";
    finding::invalid(entry.place("name"), format!("`{name}` is no name for a port"), help)
}

/// As in `pkg/apis/core/validation`: `checkHostPortConflicts`.
fn check_host_ports<'a>(container: At<'a>, taken: &mut Unique<(i64, &'a str, &'a str)>, diags: &mut Diags) {
    for entry in container.items("ports") {
        let Some(host) = entry.int("hostPort").filter(|port| *port != 0) else { continue };
        let protocol = entry.text("protocol").unwrap_or("TCP");
        let key = (host, protocol, entry.word("hostIP"));
        let message = || format!("two containers ask for port {host}/{protocol} of the host");
        diags.extend(taken.add(key, entry.place("hostPort"), message));
    }
}

/// As in `pkg/apis/core/validation`: `ValidateVolumeMounts`.
fn check_mounts(container: At<'_>, whose: &str, volumes: &Volumes<'_>, diags: &mut Diags) {
    let mut paths = Unique::default();
    for mount in container.items("volumeMounts") {
        check_volume_name(mount, whose, volumes, diags);
        if let Some(path) = mount.text("mountPath") {
            diags.extend(paths.add(path, mount.place("mountPath"), || format!("{whose} mounts twice at `{path}`")));
        } else if mount.node.get("mountPath").is_some_and(|path| path.is_null() || path.as_str() == Some("")) {
            diags.push(finding::missing(mount, "mountPath", &format!("a mount of {whose}")));
        }
        if mount.filled("subPath") && mount.filled("subPathExpr") {
            let (first, second) = (mount.get("subPath").unwrap_or(mount), mount.get("subPathExpr").unwrap_or(mount));
            diags.push(finding::exclusive(second, first, "a mount has both `subPath` and `subPathExpr`"));
        }
        check_relative(mount, "subPath", diags);
        check_relative(mount, "subPathExpr", diags);
        word(mount, "mountPropagation", &["None", "HostToContainer", "Bidirectional"], diags);
        word(mount, "recursiveReadOnly", &["Disabled", "IfPossible", "Enabled"], diags);
        if mount.word("mountPropagation") == "Bidirectional" && !container.bool("securityContext.privileged") {
            let field = mount.get("mountPropagation").unwrap_or(mount);
            let message = format!("`Bidirectional` needs a privileged container, and {whose} is none");
            diags.push(finding::forbidden(field, message));
        }
        if matches!(mount.word("recursiveReadOnly"), "IfPossible" | "Enabled") && !mount.bool("readOnly") {
            let field = mount.get("recursiveReadOnly").unwrap_or(mount);
            diags.push(finding::forbidden(field, "`recursiveReadOnly` is for a mount with `readOnly: true`"));
        }
    }
}

fn check_devices(container: At<'_>, whose: &str, volumes: &Volumes<'_>, diags: &mut Diags) {
    let mut paths = Unique::default();
    for device in container.items("volumeDevices") {
        check_volume_name(device, whose, volumes, diags);
        if let Some(path) = device.text("devicePath") {
            diags.extend(paths.add(path, device.place("devicePath"), || format!("{whose} has `{path}` twice")));
            check_relative_device(device, path, diags);
        }
        if let Some(volume) = volumes.get(device.word("name")).filter(|volume| !volume.block) {
            let message = format!("volume `{}` is no block device", device.word("name"));
            let finding = finding::invalid(device.place("name"), message, "a device is a claim: use `volumeMounts`");
            diags.push(finding.label(volume.place, "this volume"));
        }
    }
}

fn check_relative_device(device: At<'_>, path: &str, diags: &mut Diags) {
    if path.split('/').any(|part| part == "..") {
        let message = format!("`devicePath` `{path}` has `..`");
        let finding = Diagnostic::new(&codes::INVALID_PATH, device.place("devicePath"), message);
        diags.push(finding.here("must not lead up").help("write the path itself"));
    }
}

fn check_volume_name(mount: At<'_>, whose: &str, volumes: &Volumes<'_>, diags: &mut Diags) {
    let Some(name) = mount.text("name").filter(|name| !volumes.contains_key(name)) else { return };
    let finding = Diagnostic::new(
        &codes::UNKNOWN_VOLUME,
        mount.place("name"),
        format!("{whose} mounts volume `{name}`, which the Pod does not have"),
    )
    .here("no such volume");
    diags.push(match suggest::closest(name, volumes.keys().copied()) {
        Some(real) => finding.help(format!("there is a volume with a similar name: `{real}`")),
        None => finding.help(format!("add a volume `{name}` to `volumes` of the Pod")),
    });
}

/// As in `pkg/apis/core/validation`: `validateInitContainers`.
fn check_init(container: At<'_>, whose: &str, diags: &mut Diags) {
    if container.word("restartPolicy") == "Always" {
        probes::check(container, diags);
        return;
    }
    for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(at) = container.get(field) {
            let message = format!("{whose} runs before the others and cannot have `{field}`");
            diags.push(
                finding::forbidden(at, message).help("remove it, or make it a sidecar by `restartPolicy: Always`"),
            );
        }
    }
}

/// As in `pkg/apis/core/validation`: `validateEphemeralContainers`.
fn check_ephemeral(container: At<'_>, whose: &str, diags: &mut Diags) {
    for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "ports", "resources"] {
        if let Some(at) = container.get(field).filter(|_| container.filled(field)) {
            diags.push(finding::forbidden(at, format!("{whose} is ephemeral and cannot have `{field}`")));
        }
    }
}

/// As in `pkg/apis/core/validation`: `ValidateSecurityContext`.
fn check_security(context: At<'_>, whose: &str, diags: &mut Diags) {
    not_negative(context, &["runAsUser", "runAsGroup"], diags);
    word(context, "procMount", &["Default", "Unmasked"], diags);
    check_profiles(context, diags);
    let escalation = context.get("allowPrivilegeEscalation");
    let Some(denied) = escalation.filter(|field| field.node.as_bool() == Some(false)) else { return };
    let added = context.items("capabilities.add");
    let admin = added.iter().find(|name| matches!(name.node.as_str(), Some("SYS_ADMIN" | "CAP_SYS_ADMIN")));
    let reason = match (context.bool("privileged"), admin) {
        (true, _) => Some(("`privileged: true`", context.place("privileged"))),
        (false, Some(admin)) => Some(("the capability `SYS_ADMIN`", admin.span())),
        (false, None) => None,
    };
    if let Some((what, place)) = reason {
        let message = format!("{whose} has {what} and `allowPrivilegeEscalation: false`");
        let finding = Diagnostic::new(&codes::FIELDS_EXCLUDE, denied.span(), message);
        diags.push(finding.here("cannot be kept").label(place, "because of this").help("remove one of them"));
    }
}

/// As in `pkg/apis/core/validation`: `validateSeccompProfileField`, `ValidateAppArmorProfileField`.
pub(super) fn check_profiles(context: At<'_>, diags: &mut Diags) {
    for field in ["seccompProfile", "appArmorProfile"] {
        let Some(profile) = context.get(field) else { continue };
        word(profile, "type", &["RuntimeDefault", "Localhost", "Unconfined"], diags);
        match (profile.word("type"), profile.get("localhostProfile")) {
            ("Localhost", None) => {
                diags.push(finding::missing(profile, "localhostProfile", &format!("a `{field}` of type `Localhost`")));
            }
            ("Localhost", Some(_)) if field == "seccompProfile" => check_relative(profile, "localhostProfile", diags),
            ("RuntimeDefault" | "Unconfined", Some(at)) => {
                diags.push(finding::forbidden(at, "`localhostProfile` is for the type `Localhost`"));
            }
            _ => {}
        }
    }
}
