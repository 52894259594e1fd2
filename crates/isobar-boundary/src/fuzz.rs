//! Fuzz target: the protocol, whose other end is hostile once guest code ran.

use crate::protocol::{
    ExecFailed, Exited, HEADER, Header, Hello, MAX_PAYLOAD, Message, PidsReached, Ready, Setup,
    Signal, SpawnHeader,
};

/// A header is refused or announces no more than a frame may hold, and says again what it was.
#[test]
fn fuzz_header() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let Some(head) = bytes.first_chunk::<HEADER>() else { return };
        if let Ok(header) = Header::decode(*head) {
            assert!(header.payload <= MAX_PAYLOAD, "nobody allocates what a guest announces");
            assert_eq!(header.encode(), *head, "one meaning, one form");
        }
    });
}

/// A message is refused or encodes to the bytes that it was read from.
#[test]
fn fuzz_message() {
    fn check<M: Message>(payload: &[u8]) {
        let Ok(message) = M::decode(payload) else { return };
        let mut space = [0; 256];
        let frame = message.encode(&mut space).expect("what was decoded is short");
        let (head, body) = frame.split_first_chunk::<HEADER>().expect("a frame has a header");
        let header = Header::decode(*head).expect("our own frame");
        assert_eq!((header.kind, header.payload), (M::KIND, payload.len()), "the frame's own size");
        assert_eq!(body, payload, "one meaning, one form");
    }
    bolero::check!().with_max_len(256).for_each(|bytes: &[u8]| {
        check::<Setup>(bytes);
        check::<Hello>(bytes);
        check::<Ready>(bytes);
        check::<ExecFailed>(bytes);
        check::<Exited>(bytes);
        check::<PidsReached>(bytes);
        check::<Signal>(bytes);
        check::<SpawnHeader>(bytes);
    });
}
