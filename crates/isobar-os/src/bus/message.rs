//! Messages of the bus: their header, the two calls that isobar makes, and what is read of an answer.

use serde::Serialize;
use zbus::wire::serialized::{Context, Data};
use zbus::wire::{LE, to_bytes};
use zbus::{ObjectPath, Type, Variant};

use super::ScopeRequest;

/// A method of an object.
#[derive(Debug)]
pub(super) struct Call {
    destination: &'static str,
    path: &'static str,
    interface: &'static str,
    member: &'static str,
}

impl Call {
    /// The first call on every connection.
    pub(super) const HELLO: Self = Self {
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        member: "Hello",
    };
    /// Starts a unit that lives until its last process ends (org.freedesktop.systemd1(5)).
    pub(super) const START_UNIT: Self = Self {
        destination: "org.freedesktop.systemd1",
        path: "/org/freedesktop/systemd1",
        interface: "org.freedesktop.systemd1.Manager",
        member: "StartTransientUnit",
    };
}

/// Kinds of messages.
const CALL: u8 = 1;
const ERROR: u8 = 3;
/// Codes of header fields.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;
/// Byte order, kind, flags, protocol; length of the body, serial number; fields.
type Fields<'a> = (u8, u8, u8, u8, u32, u32, Vec<(u8, Variant<'a>)>);

/// Everything but a body begins at a multiple of this.
const ALIGNMENT: usize = 8;

/// The header of a message, as far as it must be known to read the rest.
pub(super) struct Header;

impl Header {
    /// Bytes before the fields, with their length.
    pub(super) const FIXED: usize = 16;

    /// The length of the whole message, by its first [`Self::FIXED`] bytes.
    pub(super) fn length(bytes: &[u8]) -> Option<usize> {
        let word = |at: usize| -> Option<usize> {
            let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(word)).ok()
        };
        if *bytes.first()? != b'l' {
            return None;
        }
        let fields = Self::FIXED.checked_add(word(12)?)?.checked_next_multiple_of(ALIGNMENT)?;
        fields.checked_add(word(4)?)
    }
}

/// What is read of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The serial number of the call that it answers.
    pub(super) answers: Option<u32>,
    /// The name of the error that it is.
    pub(super) error: Option<String>,
    /// What an error says.
    pub(super) text: String,
}

/// A call as bytes.
pub(super) fn encode<B>(call: &Call, serial: u32, body: &B) -> Result<Vec<u8>, zbus::Error>
where
    B: Serialize + Type,
{
    let body_bytes = to_bytes(Context::new(LE, 0), body)?;
    let fields = vec![
        (PATH, Variant::ObjectPath(ObjectPath::try_from(call.path)?)),
        (INTERFACE, Variant::from(call.interface)),
        (MEMBER, Variant::from(call.member)),
        (DESTINATION, Variant::from(call.destination)),
    ];
    let length = u32::try_from(body_bytes.len()).map_err(|_| zbus::Error::OutOfBounds)?;
    let header: Fields<'_> = (b'l', CALL, 0, 1, length, serial, fields);
    let mut bytes = to_bytes(Context::new(LE, 0), &header)?.bytes().to_vec();
    if !body_bytes.bytes().is_empty() {
        add_signature(&mut bytes, &B::SIGNATURE.to_string_no_parens())?;
    }
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes.extend(body_bytes.bytes());
    Ok(bytes)
}

/// Adds the field that tells of what types the body is, and counts it. By hand, since a body is a
/// list of values, and the library only knows a structure, whose signature has parentheses.
fn add_signature(bytes: &mut Vec<u8>, signature: &str) -> Result<(), zbus::Error> {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    let length = u8::try_from(signature.len()).map_err(|_| zbus::Error::OutOfBounds)?;
    bytes.extend([SIGNATURE, 1, b'g', 0, length]);
    bytes.extend(signature.bytes().chain([0]));
    let fields =
        u32::try_from(bytes.len() - Header::FIXED).map_err(|_| zbus::Error::OutOfBounds)?;
    let count = bytes.get_mut(Header::FIXED - 4..Header::FIXED).ok_or(zbus::Error::OutOfBounds)?;
    count.copy_from_slice(&fields.to_le_bytes());
    Ok(())
}

/// A whole message, as [`Header::length`] has measured it.
pub(super) fn decode(bytes: &[u8]) -> Result<Reply, zbus::Error> {
    let data = Data::new(bytes, Context::new(LE, 0));
    let (header, end): (Fields<'_>, usize) = data.deserialize()?;
    let (_, kind, _, _, _, _, fields) = header;
    let mut reply = Reply { answers: None, error: None, text: String::new() };
    for (code, value) in fields {
        match (code, value) {
            (REPLY_SERIAL, Variant::U32(serial)) => reply.answers = Some(serial),
            (ERROR_NAME, Variant::Str(name)) if kind == ERROR => {
                reply.error = Some(name.to_string());
            }
            _ => {}
        }
    }
    if kind == ERROR {
        reply.error.get_or_insert_with(|| "an error without a name".to_owned());
        let body = bytes.get(end.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
        // The first argument is for people, by convention only.
        let body = Data::new(body, Context::new(LE, 0));
        if let Ok((text, _)) = body.deserialize::<&str>() {
            reply.text = text.to_owned();
        }
    }
    Ok(reply)
}

/// Arguments of a call, by name.
type Properties<'a> = Vec<(&'static str, Variant<'a>)>;

/// The body of [`Call::START_UNIT`]: name, mode, properties, no further units.
pub(super) fn scope<'a>(
    request: &ScopeRequest<'a>,
) -> (&'a str, &'static str, Properties<'a>, Vec<(&'static str, Properties<'a>)>) {
    let properties = vec![
        ("Description", Variant::from(request.description)),
        ("Delegate", Variant::from(true)),
        // Named one by one, else the manager may leave some out.
        ("CPUAccounting", Variant::from(true)),
        ("MemoryAccounting", Variant::from(true)),
        ("TasksAccounting", Variant::from(true)),
        ("CollectMode", Variant::from("inactive-or-failed")),
        ("PIDs", Variant::from(vec![request.pid])),
    ];
    (request.name, "fail", properties, Vec::new())
}
