//! Builds the file system of one container and makes it `/`.
//!
//! The host's system directories are there, read-only, because images are not pulled; everything else is the
//! container's own: a fresh directory as `/`, its own `/tmp`, `/dev` and `/proc`, and the mounts that the Pod names.
//!
//! **Invariant:** runs inside the new mount namespace, before the command; no path that a container could have
//! prepared (a symbolic link in a volume) leads a mount out of the root or out of its volume.
//! Not here: which mounts there are (`mounts`), the namespaces (`namespace`).

use super::wire::{Mount, Root};
use rustix::fs::{self as sys, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What of the host is visible, where the host has it.
const SYSTEM: [&str; 10] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt", "nix"];

/// Directories of the container's own, with their mode.
const OWN: [(&str, u32); 10] = [
    ("dev", 0o755),
    ("home", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("var", 0o755),
    ("var/cache", 0o755),
    ("var/tmp", 0o1777),
];

/// Devices of the host that a container sees.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Most entries of a system directory that is copied to make room for a mount point in it.
const ROOM: usize = 4096;

/// Builds `root` and enters it. The error says what could not be done, for people.
pub(super) fn enter(root: &Root) -> Result<(), String> {
    let dir = root.dir.as_path();
    rustix::mount::mount_bind(dir, dir).map_err(|error| said("mount", dir, error))?;
    own_directories(dir)?;
    system_directories(dir)?;
    devices(&dir.join("dev"))?;
    processes(dir)?;
    let top =
        sys::open(dir, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(|error| said("open", dir, error))?;
    if let Some(names) = name_servers() {
        bind(&top, &names)?;
    }
    for mount in &root.mounts {
        bind(&top, mount)?;
    }
    if root.read_only {
        remount(&through(&top), "").map_err(|error| said("protect", dir, error))?;
    }
    pivot(dir).map_err(|error| said("enter", dir, error))
}

fn said(verb: &str, path: &Path, error: Errno) -> String {
    format!("cannot {verb} {}: {error}", path.display())
}

fn told(verb: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {verb} {}: {error}", path.display())
}

fn own_directories(dir: &Path) -> Result<(), String> {
    for (name, mode) in OWN {
        let path = dir.join(name);
        fs::create_dir(&path)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
            .map_err(|error| told("make", &path, &error))?;
    }
    let run = dir.join("var/run");
    symlink("../run", &run).map_err(|error| told("link", &run, &error))
}

fn system_directories(dir: &Path) -> Result<(), String> {
    for name in SYSTEM {
        let host = Path::new("/").join(name);
        mirror(&host, &dir.join(name))?;
    }
    // On NixOS the tools hang on this link into the store.
    let system = Path::new("/run/current-system");
    if system.is_symlink() {
        mirror(system, &dir.join("run/current-system"))?;
    }
    Ok(())
}

/// Shows a directory of the host read-only, or repeats a link.
fn mirror(host: &Path, inside: &Path) -> Result<(), String> {
    let Ok(found) = fs::symlink_metadata(host) else {
        return Ok(());
    };
    if found.is_symlink() {
        return fs::read_link(host)
            .and_then(|target| symlink(target, inside))
            .map_err(|error| told("link", inside, &error));
    }
    if !found.is_dir() {
        return Ok(());
    }
    fs::create_dir(inside).map_err(|error| told("make", inside, &error))?;
    rustix::mount::mount_bind_recursive(host, inside).map_err(|error| said("mount", inside, error))?;
    protect(inside)
}

/// The file that `/etc/resolv.conf` points to, where that lies outside of what is visible.
fn name_servers() -> Option<Mount> {
    let file = fs::canonicalize("/etc/resolv.conf").ok()?;
    let visible = SYSTEM.iter().any(|name| file.starts_with(Path::new("/").join(name)));
    (!visible).then(|| Mount {
        target: file.to_string_lossy().into_owned(),
        source: file,
        sub_path: None,
        read_only: true,
    })
}

fn devices(dev: &Path) -> Result<(), String> {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount("tmpfs", dev, "tmpfs", flags, c"mode=0755").map_err(|error| said("mount", dev, error))?;
    for name in DEVICES {
        let host = Path::new("/dev").join(name);
        if !host.exists() {
            continue;
        }
        let path = dev.join(name);
        fs::File::create(&path).map_err(|error| told("make", &path, &error))?;
        rustix::mount::mount_bind(&host, &path).map_err(|error| said("mount", &path, error))?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        let path = dev.join(name);
        symlink(target, &path).map_err(|error| told("link", &path, &error))?;
    }
    for (name, kind, options) in
        [("shm", "tmpfs", c"mode=1777"), ("pts", "devpts", c"newinstance,ptmxmode=0666,mode=0620")]
    {
        let path = dev.join(name);
        fs::create_dir(&path).map_err(|error| told("make", &path, &error))?;
        // Few commands want a terminal of their own; a kernel without these is no reason to refuse the others.
        let _ = rustix::mount::mount(kind, &path, kind, flags, options);
    }
    Ok(())
}

/// `/proc` of the new process namespace, and `/sys`.
fn processes(dir: &Path) -> Result<(), String> {
    let proc = dir.join("proc");
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    if rustix::mount::mount("proc", &proc, "proc", flags, None).is_err() {
        // In a container whose own /proc is masked the kernel allows no new one; the outer one still answers for
        // `self`.
        rustix::mount::mount_bind_recursive("/proc", &proc).map_err(|error| said("mount", &proc, error))?;
    }
    // Writable by the user id of root alone, without any capability.
    for name in ["bus", "fs", "irq", "sys", "sysrq-trigger"] {
        let path = proc.join(name);
        if path.exists() {
            rustix::mount::mount_bind_recursive(&path, &path).map_err(|error| said("mount", &path, error))?;
            protect(&path)?;
        }
    }
    let sys = dir.join("sys");
    if rustix::mount::mount_bind_recursive("/sys", &sys).is_ok() && protect(&sys).is_err() {
        rustix::mount::unmount(&sys, UnmountFlags::DETACH).map_err(|error| said("hide", &sys, error))?;
    }
    Ok(())
}

/// Mounts one thing that the Pod names.
fn bind(top: &OwnedFd, mount: &Mount) -> Result<(), String> {
    let target = Path::new(&mount.target);
    let source = source(mount)?;
    let kind = sys::fstat(&source).map_err(|error| said("look at", &mount.source, error))?;
    let directory = FileType::from_raw_mode(kind.st_mode) == FileType::Directory;
    let place = place(top, target, directory)?;
    rustix::mount::mount_bind_recursive(through(&source), through(&place))
        .map_err(|error| said("mount", target, error))?;
    if mount.read_only {
        let mounted = open_inside(top, target).map_err(|error| said("open", target, error))?;
        let path = fs::read_link(through(&mounted)).map_err(|error| told("find", target, &error))?;
        protect(&path)?;
    }
    Ok(())
}

/// The path of an open file, through which it can be mounted without looking its name up again.
fn through(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn open_inside(top: &OwnedFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    sys::openat2(top, path, flags, Mode::empty(), resolve)
}

/// What to mount: the source, or the path below it, made where it is missing.
fn source(mount: &Mount) -> Result<OwnedFd, String> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let base =
        sys::openat(CWD, &mount.source, flags, Mode::empty()).map_err(|error| said("open", &mount.source, error))?;
    let Some(sub_path) = &mount.sub_path else {
        return Ok(base);
    };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let open = |path: &Path| sys::openat2(&base, path, flags, Mode::empty(), resolve);
    let refused = |error| match error {
        Errno::XDEV | Errno::LOOP => format!("subPath `{sub_path}` leads out of its volume"),
        error => said("open subPath", Path::new(sub_path), error),
    };
    let mut path = PathBuf::new();
    let mut parent = open(Path::new(".")).map_err(refused)?;
    for name in Path::new(sub_path) {
        path.push(name);
        parent = match open(&path) {
            Err(Errno::NOENT) => sys::mkdirat(&parent, name, Mode::from_raw_mode(0o755)).and_then(|()| open(&path)),
            found => found,
        }
        .map_err(refused)?;
    }
    Ok(parent)
}

/// The mount point, made where it is missing; a file for a file.
fn place(top: &OwnedFd, target: &Path, directory: bool) -> Result<OwnedFd, String> {
    let names: Vec<_> = target.iter().skip(1).collect();
    let mut path = PathBuf::from("/");
    let mut found = open_inside(top, &path).map_err(|error| said("open", &path, error))?;
    for (idx, name) in names.iter().enumerate() {
        let parent_path = path.clone();
        path.push(name);
        let as_directory = directory || idx + 1 < names.len();
        found = match open_inside(top, &path) {
            Err(Errno::NOENT) => {
                let parent = match create(&found, Path::new(name), as_directory) {
                    Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => {
                        let roomy = make_room(top, &found, &parent_path)?;
                        create(&roomy, Path::new(name), as_directory).map(|()| roomy)
                    }
                    done => done.map(|()| found),
                };
                parent
                    .and_then(|_| open_inside(top, &path))
                    .map_err(|error| said("make the mount point", &path, error))?
            }
            other => other.map_err(|error| said("open the mount point", &path, error))?,
        };
    }
    let kind = sys::fstat(&found).map_err(|error| said("look at", target, error))?;
    if directory != (FileType::from_raw_mode(kind.st_mode) == FileType::Directory) {
        let (what, on) = if directory { ("a directory", "a file") } else { ("a file", "a directory") };
        return Err(format!("cannot mount {what} on {on}: {}", target.display()));
    }
    Ok(found)
}

fn create(parent: &OwnedFd, name: &Path, directory: bool) -> rustix::io::Result<()> {
    if directory {
        return sys::mkdirat(parent, name, Mode::from_raw_mode(0o755));
    }
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    sys::openat(parent, name, flags, Mode::from_raw_mode(0o644)).map(drop)
}

/// Replaces a directory of the host by one of our own with the same entries, so that a mount point can be added.
fn make_room(top: &OwnedFd, original: &OwnedFd, path: &Path) -> Result<OwnedFd, String> {
    let entries: Vec<_> = fs::read_dir(through(original))
        .and_then(|entries| entries.take(ROOM + 1).collect())
        .map_err(|error| told("read", path, &error))?;
    if entries.len() > ROOM {
        return Err(format!("cannot add a mount point to {}: it has more than {ROOM} entries", path.display()));
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("tmpfs", through(original), "tmpfs", flags, c"mode=0755")
        .map_err(|error| said("mount", path, error))?;
    let own = open_inside(top, path).map_err(|error| said("open", path, error))?;
    for entry in entries {
        let name = entry.file_name();
        let from = entry.path();
        let kind = entry.file_type().map_err(|error| told("look at", &path.join(&name), &error))?;
        let done = if kind.is_symlink() {
            sys::readlinkat(CWD, &from, Vec::new())
                .and_then(|link| sys::symlinkat(link.as_c_str(), &own, Path::new(&name)))
        } else {
            create(&own, Path::new(&name), kind.is_dir())
                .and_then(|()| rustix::mount::mount_bind_recursive(&from, through(&own).join(&name)))
        };
        done.map_err(|error| said("show", &path.join(&name), error))?;
    }
    Ok(own)
}

/// Makes a mount and all below it read-only.
fn protect(path: &Path) -> Result<(), String> {
    let table =
        fs::read("/proc/self/mountinfo").map_err(|error| told("read", Path::new("/proc/self/mountinfo"), &error))?;
    for (point, options) in mounts_below(&String::from_utf8_lossy(&table), path) {
        match remount(&point, &options) {
            // What this process cannot even reach, the container cannot write either.
            Err(Errno::ACCESS) if point != path => {}
            done => done.map_err(|error| said("protect", &point, error))?,
        }
    }
    Ok(())
}

/// Remounts read-only; the other flags must be repeated, because those of an outer namespace are locked.
fn remount(point: &Path, options: &str) -> rustix::io::Result<()> {
    let mut flags = MountFlags::BIND | MountFlags::RDONLY;
    for option in options.split(',') {
        match option {
            "nosuid" => flags |= MountFlags::NOSUID,
            "nodev" => flags |= MountFlags::NODEV,
            "noexec" => flags |= MountFlags::NOEXEC,
            _ => {}
        }
    }
    rustix::mount::mount_remount(point, flags, c"")
}

/// Mount points at or below `path` with their options, out of a table as in proc_pid_mountinfo(5).
fn mounts_below(table: &str, path: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for line in table.lines() {
        let mut fields = line.split(' ').skip(4);
        if let (Some(point), Some(options)) = (fields.next(), fields.next()) {
            let point = PathBuf::from(unescape(point));
            if point.starts_with(path) {
                found.push((point, options.to_owned()));
            }
        }
    }
    found
}

/// Octal escapes of the mount table: space, tab, newline and backslash.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

fn pivot(dir: &Path) -> rustix::io::Result<()> {
    rustix::process::chdir(dir)?;
    rustix::process::pivot_root(".", ".")?;
    // The old root now lies on top of the new one; below it is ours.
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_table_is_read_by_prefix_of_names_not_of_letters() {
        let table = "1 2 0:1 / /a rw,nosuid - t s rw\n\
                     2 1 0:1 / /a/b\\040c ro - t s rw\n\
                     3 1 0:1 / /ab rw - t s rw\n";
        assert_eq!(
            mounts_below(table, Path::new("/a")),
            [(PathBuf::from("/a"), "rw,nosuid".to_owned()), (PathBuf::from("/a/b c"), "ro".to_owned())]
        );
    }
}
