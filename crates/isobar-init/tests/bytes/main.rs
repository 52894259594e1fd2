//! The byte loops behind `memcpy` and its kin, against what Rust makes of the same bytes.
//!
//! Every length from none to a few words, with every overlap and every place of a difference: small
//! enough to try all.
#![cfg(target_arch = "x86_64")]

#[cfg(test)]
#[expect(unsafe_code, reason = "the loops themselves, which the executable has")]
#[path = "../../src/sys/x86_64/bytes.rs"]
mod raw;

#[cfg(test)]
#[expect(unsafe_code, reason = "the loops take pointers")]
mod sys;

#[test]
fn moves_agree_with_copy_within() {
    for count in 0..20 {
        for from in 0..24 {
            for to in 0..24 {
                let mut ours: Vec<u8> = (0..48).collect();
                let mut theirs = ours.clone();
                sys::move_inside(&mut ours, from, to, count);
                theirs.copy_within(from..from + count, to);
                assert_eq!(ours, theirs, "{count} bytes from {from} to {to}");
            }
        }
    }
}

#[test]
fn fills_stop_at_their_end() {
    for count in 0..20 {
        let mut ours = [1_u8; 24];
        sys::fill(&mut ours[2..2 + count], 0xa5);
        let mut theirs = [1_u8; 24];
        theirs[2..2 + count].fill(0xa5);
        assert_eq!(ours, theirs, "{count} bytes");
    }
}

#[test]
fn comparisons_find_the_first_difference() {
    for count in 0..20 {
        let one: Vec<u8> = (0..count).collect();
        assert_eq!(sys::equal_prefix(&one, &one), one.len(), "equal, {count} bytes");
        for place in 0..one.len() {
            let mut other = one.clone();
            other[place..].fill(0xff);
            assert_eq!(sys::equal_prefix(&one, &other), place, "of {count} bytes");
        }
    }
}

#[test]
fn strings_end_at_their_nul() {
    for string in [c"", c"a", c"ab\xff", c"a longer one than a word"] {
        assert_eq!(sys::until_nul(string), string.count_bytes(), "{string:?}");
    }
}
