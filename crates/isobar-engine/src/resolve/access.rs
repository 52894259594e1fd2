//! By which right the caller does something to a file: its mode, and its access control list where
//! it has one (acl(5)).

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::io::Errno;

use crate::caller::Credentials;

pub(super) const WRITE: u32 = 0o2;
pub(super) const SEARCH: u32 = 0o1;
pub(super) const LIST: u32 = 0o5;

/// The attribute that the kernel keeps such a list in.
const ACL: &str = "system.posix_acl_access";
/// Longer than the list of any file that somebody made by hand (xattr(7): 64 KiB at most).
const LONGEST: usize = 64 * 1024;

/// By which right the caller does something to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    None,
    /// As owner, through the primary group, or as anybody.
    Plain,
    /// Through a supplementary group, and not otherwise.
    Group,
}

/// By which right the caller may do `wanted` (one digit of a mode) to `path`, whose metadata is
/// `found`. A list that cannot be read may name a group of the caller's.
pub(super) fn right(
    path: &Path,
    found: &Metadata,
    wanted: u32,
    credentials: &Credentials,
) -> Right {
    let file = File { uid: found.uid(), gid: found.gid(), mode: found.mode() };
    // To the owner the list says what the mode says.
    if file.uid == credentials.uid {
        return by_mode(file, wanted, credentials);
    }
    let mut list = vec![0; LONGEST];
    match rustix::fs::lgetxattr(path, ACL, &mut list) {
        Ok(length) => {
            let list = list.get(..length).and_then(parse);
            list.map_or(Right::Group, |list| by_list(&list, file, wanted, credentials))
        }
        Err(Errno::NODATA | Errno::NOTSUP) => by_mode(file, wanted, credentials),
        Err(_) => Right::Group,
    }
}

#[derive(Debug, Clone, Copy)]
struct File {
    uid: u32,
    gid: u32,
    mode: u32,
}

/// The kernel looks at one class only: owner, else group, else others (path_resolution(7)).
fn by_mode(file: File, wanted: u32, credentials: &Credentials) -> Right {
    let has = |shift: u32| (file.mode >> shift) & wanted == wanted;
    let plain = |granted: bool| if granted { Right::Plain } else { Right::None };
    if file.uid == credentials.uid {
        plain(has(6))
    } else if file.gid == credentials.gid {
        plain(has(3))
    } else if credentials.groups.contains(&file.gid) {
        match (has(3), has(0)) {
            (true, true) => Right::Plain,
            (true, false) => Right::Group,
            (false, _) => Right::None,
        }
    } else {
        plain(has(0))
    }
}

/// An entry of a list: what it is, what it grants, and to whom.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u16,
    permissions: u32,
    id: u32,
}

/// `ACL_*` (linux/posix_acl.h).
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// The attribute's value: version 2 in four bytes, then eight bytes an entry, all little-endian
/// (linux/posix_acl_xattr.h).
fn parse(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (version, rest) = bytes.split_first_chunk::<4>()?;
    let (entries, left) = rest.as_chunks::<8>();
    if u32::from_le_bytes(*version) != 2 || !left.is_empty() {
        return None;
    }
    let entry = |[a, b, c, d, id @ ..]: &[u8; 8]| Entry {
        tag: u16::from_le_bytes([*a, *b]),
        permissions: u32::from(u16::from_le_bytes([*c, *d])),
        id: u32::from_le_bytes(*id),
    };
    Some(entries.iter().map(entry).collect())
}

/// The right of somebody who is not the owner.
fn by_list(list: &[Entry], file: File, wanted: u32, credentials: &Credentials) -> Right {
    let primary = |gid: u32| gid == credentials.gid;
    let any = |gid: u32| primary(gid) || credentials.groups.contains(&gid);
    if !list_grants(list, file, wanted, credentials.uid, &any) {
        Right::None
    } else if list_grants(list, file, wanted, credentials.uid, &primary) {
        Right::Plain
    } else {
        Right::Group
    }
}

/// The access check algorithm of acl(5) for somebody who is not the owner.
fn list_grants(
    list: &[Entry],
    file: File,
    wanted: u32,
    uid: u32,
    member: &dyn Fn(u32) -> bool,
) -> bool {
    let mask = list.iter().find(|entry| entry.tag == MASK).map_or(7, |entry| entry.permissions);
    let grants = |entry: &Entry| entry.permissions & mask & wanted == wanted;
    if let Some(own) = list.iter().find(|entry| entry.tag == USER && entry.id == uid) {
        return grants(own);
    }
    let mut groups = list
        .iter()
        .filter(|entry| {
            (entry.tag == GROUP_OBJ && member(file.gid)) || (entry.tag == GROUP && member(entry.id))
        })
        .peekable();
    if groups.peek().is_some() {
        return groups.any(grants);
    }
    let other = list.iter().find(|entry| entry.tag == OTHER);
    other.is_some_and(|entry| entry.permissions & wanted == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tag, permissions, number.
    type Raw = (u16, u16, u32);

    /// The kernel's form of a list.
    fn bytes(entries: &[Raw]) -> Vec<u8> {
        let mut all = 2_u32.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            all.extend(tag.to_le_bytes());
            all.extend(permissions.to_le_bytes());
            all.extend(id.to_le_bytes());
        }
        all
    }

    #[test]
    fn a_list_is_read_as_the_kernel_reads_it() {
        let file = File { uid: 0, gid: 0, mode: 0o660 };
        let credentials = Credentials { uid: 1000, gid: 1000, groups: vec![27, 28] };
        let base = [(0x01, 6, u32::MAX), (GROUP_OBJ, 6, u32::MAX), (OTHER, 0, u32::MAX)];
        let cases: [(&str, &[Raw], Right); 7] = [
            ("no entry", &[], Right::None),
            ("a supplementary group", &[(GROUP, 6, 27), (MASK, 6, 0)], Right::Group),
            ("one of two", &[(GROUP, 4, 27), (GROUP, 6, 28), (MASK, 6, 0)], Right::Group),
            ("masked", &[(GROUP, 6, 27), (MASK, 4, 0)], Right::None),
            ("the primary group", &[(GROUP, 6, 1000), (MASK, 6, 0)], Right::Plain),
            ("the user", &[(USER, 6, 1000), (GROUP, 6, 27), (MASK, 6, 0)], Right::Plain),
            ("the user first", &[(USER, 4, 1000), (GROUP, 6, 27), (MASK, 6, 0)], Right::None),
        ];
        for (what, more, expected) in cases {
            let list = parse(&bytes(&[&base, more].concat())).expect("a list");
            assert_eq!(by_list(&list, file, WRITE, &credentials), expected, "{what}");
        }
    }

    #[test]
    fn what_is_no_list_is_not_taken_for_one() {
        for bad in [&b""[..], &[2, 0, 0], &[3, 0, 0, 0], &[2, 0, 0, 0, 1]] {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }
}
