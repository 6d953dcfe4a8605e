//! Makes Linux namespaces for the calling process, and says which setting forbids them.
//!
//! **Invariant:** called in a process of a single thread, before anything else happens there.
//! Not here: the file system inside (`root`), the order of the steps (`inside`).

use super::{raw, wire};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Capabilities that a container keeps inside its user namespace: what container engines leave by default, without
/// those that could undo a read-only mount.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::AUDIT_WRITE)
    .union(CapabilitySet::SETFCAP);

/// Enters new user, mount, process, IPC and host name namespaces; the caller becomes `user` and `group` inside.
/// The process namespace holds the children, not the caller.
pub(super) fn make(user: u32, group: u32) -> Result<(), String> {
    let outer_user = rustix::process::geteuid().as_raw();
    let outer_group = rustix::process::getegid().as_raw();
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS;
    raw::unshare(flags).map_err(|error| forbidden(&error))?;
    let map =
        |file: &str, text: String| fs::write(format!("/proc/self/{file}"), text).map_err(|error| forbidden(&error));
    map("setgroups", "deny".to_owned())?;
    map("uid_map", format!("{user} {outer_user} 1"))?;
    map("gid_map", format!("{group} {outer_group} 1"))?;
    // Nothing that is mounted here may show outside. Where AppArmor lets a process have a user namespace without its
    // capabilities, this is the first call that fails.
    let apart = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", apart).map_err(|error| forbidden(&error.into()))?;
    if user != 0 {
        carry_capabilities().map_err(|error| forbidden(&error.into()))?;
    }
    Ok(())
}

/// Lets the capabilities survive the re-execution of a process that is not root inside.
fn carry_capabilities() -> rustix::io::Result<()> {
    let mut sets = rustix::thread::capabilities(None)?;
    sets.inheritable = sets.permitted;
    rustix::thread::set_capabilities(None, sets)?;
    for capability in [CapabilitySet::SYS_ADMIN, CapabilitySet::SETPCAP, CapabilitySet::DAC_OVERRIDE] {
        rustix::thread::configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

/// Gives up what a container must not have: most capabilities or, unless it is `capable`, all, and any way to gain more.
pub(super) fn drop_privileges(capable: bool) -> rustix::io::Result<()> {
    let kept = if capable { KEPT } else { CapabilitySet::empty() };
    rustix::thread::clear_ambient_capability_set()?;
    for bit in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        if kept.contains(capability) {
            continue;
        }
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // Past the last capability that this kernel knows.
            Err(rustix::io::Errno::INVAL) => break,
            done => done?,
        }
    }
    let now = rustix::thread::capabilities(None)?;
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: now.effective & kept,
            permitted: now.permitted & kept,
            inheritable: CapabilitySet::empty(),
        },
    )?;
    rustix::thread::set_no_new_privs(true)
}

/// Asks a re-executed `runner` whether it can make namespaces.
pub(super) fn probe(runner: &Path) -> Result<(), String> {
    let output = Command::new(runner)
        .arg0(wire::NAME)
        .arg(wire::PROBE)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .env_clear()
        .output()
        .map_err(|error| format!("cannot run {}: {error}", runner.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match said.trim() {
        "ok" => Ok(()),
        "" => Err(format!("{} did not answer as a runner of the node", runner.display())),
        reason => Err(reason.to_owned()),
    }
}

/// Why namespaces cannot be made, with the setting that forbids them where it can be told.
fn forbidden(error: &io::Error) -> String {
    match settings() {
        Err(setting) => setting,
        Ok(()) => format!(
            "namespaces cannot be made: {error}; allow user namespaces \
             (user.max_user_namespaces, kernel.unprivileged_userns_clone, the security profile of this process)"
        ),
    }
}

/// Reads the settings of this machine that are known to forbid namespaces.
pub(super) fn settings() -> Result<(), String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    judge(
        read("/proc/sys/user/max_user_namespaces").trim(),
        read("/proc/sys/kernel/unprivileged_userns_clone").trim(),
        read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").trim(),
        &read("/proc/self/status"),
        rustix::process::geteuid().is_root(),
    )
}

/// The pure part of [`settings`]: the texts of the three settings, of `/proc/self/status`, and whether we are root.
fn judge(most: &str, clone: &str, apparmor: &str, status: &str, root: bool) -> Result<(), String> {
    if most == "0" {
        return Err("user.max_user_namespaces is 0: allow user namespaces with \
             `sysctl -w user.max_user_namespaces=15000`"
            .to_owned());
    }
    if clone == "0" && !root {
        return Err("kernel.unprivileged_userns_clone is 0: allow user namespaces with \
             `sysctl -w kernel.unprivileged_userns_clone=1`"
            .to_owned());
    }
    if apparmor == "1" && !root {
        return Err("kernel.apparmor_restrict_unprivileged_userns is 1: allow user namespaces with \
             `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` or an AppArmor profile for this program"
            .to_owned());
    }
    let filtered = status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"]));
    if filtered {
        return Err("a seccomp filter is set on this process, as container engines do: allow `unshare` and `mount`, \
             for instance with `--security-opt seccomp=unconfined`"
            .to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_named() {
        assert_eq!(judge("96365", "", "", "Seccomp:\t0\n", false), Ok(()));
        assert_eq!(judge("1", "0", "1", "", true), Ok(()));
        let named = |most, clone, apparmor, status| {
            judge(most, clone, apparmor, status, false).unwrap_err().split_once(' ').map(|(name, _)| name.to_owned())
        };
        assert_eq!(named("0", "", "", ""), Some("user.max_user_namespaces".into()));
        assert_eq!(named("1", "0", "", ""), Some("kernel.unprivileged_userns_clone".into()));
        assert_eq!(named("1", "1", "1", ""), Some("kernel.apparmor_restrict_unprivileged_userns".into()));
        assert!(judge("1", "", "", "Name:\tx\nSeccomp:\t2\n", false).is_err_and(|m| m.contains("seccomp")));
    }
}
