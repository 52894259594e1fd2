//! The catalogue: every attempt that is built, in the order of its numbers.
//!
//! The numbers are those of the list that the whole suite is built after; the gaps are attempts
//! that are not built yet. A test proves for every row that the attempt succeeds when its layers
//! are gone, and that each of them holds it alone.

use crate::{Attempt, Bound, CanaryKind, Layer, Proof};

/// Every attempt.
pub const CATALOGUE: &[Attempt] = &[
    Attempt {
        name: "old-root",
        numbers: &[9, 10, 37],
        tries: "read a file of the host: /.., roots and working directories in /proc, inherited \
                descriptors, chroot",
        sound: "no path leads to it",
        layers: &[Layer::OldRootDetached, Layer::Landlock],
        needs: None,
        canary: CanaryKind::SecretFile,
        proof: Proof::Secret,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "mount",
        numbers: &[11],
        tries: "attach a mount: mount, fsopen and move_mount, open_tree and move_mount",
        sound: "EPERM",
        layers: &[Layer::NoCapabilities, Layer::Filter, Layer::Landlock],
        needs: None,
        canary: CanaryKind::Nothing,
        proof: Proof::Word,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "detached-mount",
        numbers: &[12],
        tries: "make a mount that is attached nowhere: fsopen, open_tree",
        sound: "EPERM",
        layers: &[Layer::NoCapabilities, Layer::Filter],
        needs: None,
        canary: CanaryKind::Nothing,
        proof: Proof::Word,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "remount",
        numbers: &[17],
        tries: "make a read-only grant writable: mount_setattr, remount",
        sound: "EPERM",
        layers: &[Layer::NoCapabilities, Layer::Filter],
        needs: None,
        canary: CanaryKind::Directory,
        proof: Proof::Word,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "write-read-only",
        numbers: &[17, 66],
        tries: "change a file in a read-only grant: write, append, truncate, mmap, link, rename",
        sound: "EROFS; its content and its directory are unchanged",
        layers: &[Layer::ReadOnlyMounts, Layer::Landlock],
        needs: None,
        canary: CanaryKind::Directory,
        proof: Proof::Changed,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "change-attributes",
        numbers: &[17, 66],
        tries: "change mode, times and extended attributes of a file in a read-only grant",
        sound: "EROFS; its attributes are unchanged",
        layers: &[Layer::ReadOnlyMounts],
        needs: None,
        canary: CanaryKind::Directory,
        proof: Proof::Changed,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "user-namespace",
        numbers: &[19, 20],
        tries: "get a user namespace: unshare, clone, clone3, with every other kind beside it",
        sound: "EPERM; ENOSYS from clone3",
        layers: &[Layer::Filter],
        needs: None,
        canary: CanaryKind::Nothing,
        proof: Proof::Word,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "foreign-abi",
        numbers: &[24, 25],
        tries: "call the kernel through its 32-bit and x32 interfaces",
        sound: "the caller is killed",
        layers: &[Layer::Filter],
        needs: Some("a kernel that runs 32-bit code"),
        canary: CanaryKind::Nothing,
        proof: Proof::Word,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "host-ipc",
        numbers: &[41, 67],
        tries: "read a shared memory segment of the host by its number",
        sound: "EINVAL: there is no such segment",
        layers: &[Layer::IpcNamespace],
        needs: None,
        canary: CanaryKind::Segment,
        proof: Proof::Secret,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "fork-bomb",
        numbers: &[43],
        tries: "more tasks at a time than limits.pids allows",
        sound: "EAGAIN; the outcome names limits.pids",
        layers: &[Layer::ProcessLimit],
        needs: None,
        canary: CanaryKind::Nothing,
        proof: Proof::Word,
        bound: Some(Bound::Tasks(16)),
        arguments: &["16"],
    },
    Attempt {
        name: "memory-bomb",
        numbers: &[45],
        tries: "touch twice the memory that limits.memory allows",
        sound: "the sandbox is killed; the outcome names limits.memory",
        layers: &[Layer::MemoryGroup],
        needs: Some("a memory control group"),
        canary: CanaryKind::Nothing,
        proof: Proof::Word,
        bound: Some(Bound::Memory(48 << 20)),
        arguments: &["96"],
    },
    Attempt {
        name: "abstract-socket",
        numbers: &[67],
        tries: "connect to an abstract Unix socket of the host",
        sound: "ECONNREFUSED: nobody listens there",
        layers: &[Layer::NetNamespace, Layer::Landlock],
        needs: None,
        canary: CanaryKind::AbstractListener,
        proof: Proof::Contacted,
        bound: None,
        arguments: &[],
    },
    Attempt {
        name: "loopback-socket",
        numbers: &[67],
        tries: "connect to a TCP port on the host's loopback interface",
        sound: "ECONNREFUSED: nobody listens there",
        layers: &[Layer::NetNamespace],
        needs: None,
        canary: CanaryKind::LoopbackListener,
        proof: Proof::Contacted,
        bound: None,
        arguments: &[],
    },
];

/// The attempt of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Attempt> {
    CATALOGUE.iter().find(|attempt| attempt.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_numbers_ascend() {
        let names: BTreeSet<_> = CATALOGUE.iter().map(|attempt| attempt.name).collect();
        assert_eq!(names.len(), CATALOGUE.len(), "--only takes a name");
        let firsts: Vec<_> = CATALOGUE.iter().map(|attempt| attempt.numbers[0]).collect();
        assert!(firsts.is_sorted(), "the document has the same order: {firsts:?}");
    }

    #[test]
    fn the_document_has_the_same_rows() {
        let document = include_str!("../../../docs/attacks.md");
        let joined = |words: Vec<String>| words.join(", ");
        for attempt in CATALOGUE {
            let numbers = joined(attempt.numbers.iter().map(u16::to_string).collect());
            let layers =
                joined(attempt.layers.iter().map(|layer| layer.name().to_owned()).collect());
            let Attempt { name, tries, sound, .. } = attempt;
            let row = format!("| {numbers} | `{name}` | {tries} | {sound} | {layers} |\n");
            assert!(document.contains(&row), "docs/attacks.md lacks the row: {row}");
        }
    }

    #[test]
    fn every_attempt_names_its_layers_once() {
        for attempt in CATALOGUE {
            let layers: BTreeSet<_> = attempt.layers.iter().collect();
            assert!(!layers.is_empty(), "{}: what holds it is not said", attempt.name);
            assert_eq!(layers.len(), attempt.layers.len(), "{}: a layer twice", attempt.name);
        }
    }

    #[test]
    fn a_word_is_believed_only_where_nothing_outside_could_tell() {
        for attempt in CATALOGUE.iter().filter(|attempt| attempt.proof != Proof::Word) {
            assert_ne!(attempt.canary, CanaryKind::Nothing, "{}: looked at where?", attempt.name);
        }
    }

    #[test]
    fn a_bound_and_the_payload_speak_of_the_same_number() {
        for attempt in CATALOGUE {
            let told = attempt.arguments.first().and_then(|number| number.parse::<u64>().ok());
            match attempt.bound {
                None => assert_eq!(told, None, "{}: a number without a bound", attempt.name),
                Some(Bound::Tasks(tasks)) => {
                    assert_eq!(told, Some(tasks.into()), "one more is one too many")
                }
                Some(Bound::Memory(bytes)) => {
                    assert!(told > Some(bytes >> 20), "else nothing is over")
                }
            }
        }
    }
}
