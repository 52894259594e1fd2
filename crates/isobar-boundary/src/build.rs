//! The build identity that both ends of the protocol must share.
//!
//! A supervisor and an `isobar-init` of different builds would agree on names and differ in
//! meaning, so the hand-over compares these bytes and refuses a difference.

use crate::protocol;

/// The identity: a digest over the package version, the protocol revision, and the commit where
/// the release build sets `ISOBAR_COMMIT`.
pub const BUILD_ID: [u8; 8] = digest();

const fn digest() -> [u8; 8] {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    hash = mix(hash, env!("CARGO_PKG_VERSION").as_bytes());
    hash = mix(hash, &protocol::REVISION.to_le_bytes());
    if let Some(commit) = option_env!("ISOBAR_COMMIT") {
        hash = mix(hash, commit.as_bytes());
    }
    if cfg!(isobar_fault) {
        hash = mix(hash, b"fault");
    }
    hash.to_le_bytes()
}

/// FNV-1a, which a constant can compute. It tells builds apart; it protects against nobody.
#[expect(
    clippy::indexing_slicing,
    reason = "the loop condition bounds the index; const code has no iterators"
)]
const fn mix(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}
