//! The user's message bus (D-Bus specification 1.13), for the one question that isobar has: a scope from the
//! systemd user manager. Blocking, on one socket, without a thread.
//!
//! The form of messages comes from a library (docs/adr/0016); connecting and asking are here. What the
//! bus says is bounded, and it must be run by the same user.

mod message;

use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;

use self::message::{Call, Header, Reply};

/// How long the bus may be silent.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longer lines and messages are not read; what is asked here has short answers.
const MOST_BYTES: usize = 64 * 1024;
/// So many messages may come before the answer (the bus announces names).
const MOST_MESSAGES: u32 = 64;

/// Why the bus could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// Neither `DBUS_SESSION_BUS_ADDRESS` nor `XDG_RUNTIME_DIR` leads to one.
    #[error("there is no message bus of this user")]
    NoBus,
    /// It could not be reached, or went silent.
    #[error("the message bus does not answer")]
    Io(#[from] io::Error),
    /// Somebody else runs it.
    #[error("the message bus is run by user {owner}, not by us")]
    Foreign {
        /// Who.
        owner: u32,
    },
    /// It does not let us in.
    #[error("the message bus does not accept us")]
    Rejected,
    /// What it says is no message, or too long.
    #[error("the message bus speaks another language: {what}")]
    Malformed {
        /// What is wrong.
        what: String,
    },
    /// The answer is an error.
    #[error("the answer is {name}: {text}")]
    Refused {
        /// Its name, such as `org.freedesktop.DBus.Error.ServiceUnknown`.
        name: String,
        /// What it says.
        text: String,
    },
}

/// What a scope is to be.
#[derive(Debug, Clone, Copy)]
pub struct ScopeRequest<'a> {
    /// Its name, ending in `.scope`.
    pub name: &'a str,
    /// For people.
    pub description: &'a str,
    /// The process that moves.
    pub pid: u32,
}

/// An open connection.
#[derive(Debug)]
pub struct Bus {
    stream: UnixStream,
    serial: u32,
}

impl Bus {
    /// Connects to the bus of the calling user.
    ///
    /// # Errors
    /// [`BusError`]
    pub fn of_session() -> Result<Self, BusError> {
        let address = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let stream = connect(&addresses(address.as_deref(), runtime))?;
        let owner = socket_peercred(&stream).map_err(io::Error::from)?.uid;
        if owner != rustix::process::geteuid() {
            return Err(BusError::Foreign { owner: owner.as_raw() });
        }
        Self::open(stream)
    }

    /// Introduces us on a connected socket.
    fn open(stream: UnixStream) -> Result<Self, BusError> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut bus = Self { stream, serial: 0 };
        bus.authenticate()?;
        bus.call(&Call::HELLO, &())?;
        Ok(bus)
    }

    /// Asks the user manager for a delegated scope. It answers before the process has moved.
    ///
    /// # Errors
    /// [`BusError`]
    pub fn start_scope(&mut self, request: &ScopeRequest<'_>) -> Result<(), BusError> {
        self.call(&Call::START_UNIT, &message::scope(request)).map(drop)
    }

    /// The EXTERNAL mechanism: the kernel vouches for our user number.
    fn authenticate(&mut self) -> Result<(), BusError> {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let hex: String = uid.bytes().map(|digit| format!("{digit:02x}")).collect();
        self.stream.write_all(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        if !self.line()?.starts_with(b"OK ") {
            return Err(BusError::Rejected);
        }
        Ok(self.stream.write_all(b"BEGIN\r\n")?)
    }

    /// One line of the introduction. Byte by byte: what follows it is not ours to read yet.
    fn line(&mut self) -> Result<Vec<u8>, BusError> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() >= 512 {
                return Err(malformed("a line without an end"));
            }
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            line.extend(byte);
        }
        Ok(line)
    }

    /// Sends a call and waits for its answer.
    fn call<B>(&mut self, call: &Call, body: &B) -> Result<Reply, BusError>
    where
        B: serde::Serialize + zbus::Type,
    {
        self.serial += 1;
        let bytes = message::encode(call, self.serial, body).map_err(malformed)?;
        self.stream.write_all(&bytes)?;
        for _ in 0..MOST_MESSAGES {
            let reply = self.receive()?;
            if reply.answers == Some(self.serial) {
                return match reply.error {
                    None => Ok(reply),
                    Some(name) => Err(BusError::Refused { name, text: reply.text }),
                };
            }
        }
        Err(malformed("no answer among many messages"))
    }

    fn receive(&mut self) -> Result<Reply, BusError> {
        let mut bytes = vec![0; Header::FIXED];
        self.stream.read_exact(&mut bytes)?;
        let length = Header::length(&bytes).ok_or_else(|| malformed("no header"))?;
        if length > MOST_BYTES {
            return Err(malformed("a message of many bytes"));
        }
        bytes.resize(length, 0);
        let rest = bytes.get_mut(Header::FIXED..).ok_or_else(|| malformed("no message"))?;
        self.stream.read_exact(rest)?;
        message::decode(&bytes).map_err(malformed)
    }
}

fn malformed(what: impl ToString) -> BusError {
    BusError::Malformed { what: what.to_string() }
}

/// Where the bus may be, in order.
fn addresses(address: Option<&str>, runtime: Option<PathBuf>) -> Vec<Address> {
    let named = address.unwrap_or_default().split(';').filter_map(Address::parse);
    let runtime = runtime.filter(|path| path.is_absolute());
    named.chain(runtime.map(|path| Address::Path(path.join("bus")))).collect()
}

/// An address of a local socket; others are nobody's session bus.
#[derive(Debug, PartialEq, Eq)]
enum Address {
    Path(PathBuf),
    Abstract(Vec<u8>),
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        let pairs = text.strip_prefix("unix:")?;
        pairs.split(',').find_map(|pair| match pair.split_once('=')? {
            ("path", value) => {
                use std::os::unix::ffi::OsStringExt;
                Some(Self::Path(std::ffi::OsString::from_vec(unescaped(value)?).into()))
            }
            ("abstract", value) => Some(Self::Abstract(unescaped(value)?)),
            _ => None,
        })
    }

    fn connect(&self) -> io::Result<UnixStream> {
        match self {
            Self::Path(path) => UnixStream::connect(path),
            Self::Abstract(name) => {
                UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)
            }
        }
    }
}

/// A value of an address, in which bytes may be written as `%2f`.
fn unescaped(value: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = value;
    while let Some((plain, escaped)) = rest.split_once('%') {
        bytes.extend(plain.bytes());
        bytes.push(u8::from_str_radix(escaped.get(..2)?, 16).ok()?);
        rest = escaped.get(2..)?;
    }
    bytes.extend(rest.bytes());
    Some(bytes)
}

fn connect(addresses: &[Address]) -> Result<UnixStream, BusError> {
    let mut last = BusError::NoBus;
    for address in addresses {
        match address.connect() {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests;
