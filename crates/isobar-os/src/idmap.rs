//! User namespaces that exist only to describe a mapping of owners, for idmapped mounts
//! (mount_setattr(2), MOUNT_ATTR_IDMAP).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use crate::raw::NamespaceHolder;

/// One owner on disk and the host numbers that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerMap {
    /// User number on disk.
    pub disk_uid: u32,
    /// Group number on disk.
    pub disk_gid: u32,
    /// Host user number that the owner appears as.
    pub host_uid: u32,
    /// Host group number that the group appears as.
    pub host_gid: u32,
}

/// Makes a user namespace with the mapping and opens it.
///
/// # Errors
/// As clone3(2), open(2) and write(2) of the maps.
pub fn user_namespace(map: OwnerMap) -> io::Result<OwnedFd> {
    let holder = NamespaceHolder::new()?;
    let pid = holder.pid();
    write_map(pid, "uid_map", &format!("{} {} 1\n", map.disk_uid, map.host_uid))?;
    write_map(pid, "gid_map", &format!("{} {} 1\n", map.disk_gid, map.host_gid))?;
    File::open(format!("/proc/{pid}/ns/user")).map(OwnedFd::from)
}

/// Writes an identity map of another process (user_namespaces(7)): one write, whole.
///
/// # Errors
/// As open(2) and write(2).
pub fn write_map(pid: i32, name: &str, text: &str) -> io::Result<()> {
    std::fs::write(format!("/proc/{pid}/{name}"), text)
}
