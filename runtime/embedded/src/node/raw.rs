//! The two system calls of the node that the compiler cannot check.
//!
//! **Invariant:** called in a re-executed process while it has one thread, and the only `unsafe` of this crate.
//! Not here: everything else.
#![allow(unsafe_code)]

use rustix::io::FdFlags;
use rustix::thread::UnshareFlags;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};

/// Leaves namespaces of the parent for new ones.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: the danger of this call is a descriptor table that threads no longer share. `FILES` is taken out of the
    // flags, and the calling process has one thread.
    unsafe { rustix::thread::unshare_unsafe(flags - UnshareFlags::FILES) }.map_err(io::Error::from)
}

/// Lets no descriptor but the standard three reach the command: what this process inherited from whoever started the
/// node could lead out of the container.
pub(super) fn close_others_on_exec() -> io::Result<()> {
    let mut open: Vec<RawFd> = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for number in open.into_iter().filter(|number| *number > 2) {
        // SAFETY: the descriptor is borrowed for this one call. It was open when it was listed, and with one thread only
        // the listing itself has been closed since, for which the call fails without effect.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        match rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC) {
            Err(rustix::io::Errno::BADF) => {}
            done => done?,
        }
    }
    Ok(())
}
