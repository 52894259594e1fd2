//! Listeners that answer everybody: on an abstract Unix name, and on a loopback port.
//!
//! Nothing is accepted while the attempt runs; whoever connected waits in the queue, with what was
//! said, also after its own end.

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use super::{CanaryError, make};
use crate::Token;

/// A listener that never waits.
#[derive(Debug)]
pub(super) enum Listener {
    Abstract { listener: UnixListener, name: String },
    Loopback { listener: TcpListener, port: u16 },
}

impl Listener {
    pub(super) fn on_abstract_name() -> Result<Self, CanaryError> {
        let name = format!("isobar-attack-{}", Token::new()?);
        let listener = SocketAddr::from_abstract_name(&name)
            .and_then(|address| UnixListener::bind_addr(&address))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(make("an abstract socket"))?;
        Ok(Self::Abstract { listener, name })
    }

    pub(super) fn on_loopback() -> Result<Self, CanaryError> {
        let bound = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            Ok(Self::Loopback { listener, port })
        };
        bound().map_err(make("a loopback socket"))
    }

    /// How a client names it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Abstract { name, .. } => name.clone(),
            Self::Loopback { port, .. } => port.to_string(),
        }
    }

    /// Whether one of those who connected said `secret`. Others may have come by accident.
    pub(super) fn heard(&self, secret: &[u8]) -> Result<bool, CanaryError> {
        loop {
            let said = match self {
                Self::Abstract { listener, .. } => listener.accept().and_then(|(mut stream, _)| {
                    stream.set_nonblocking(true)?;
                    Ok(said(&mut stream, secret.len()))
                }),
                Self::Loopback { listener, .. } => listener.accept().and_then(|(mut stream, _)| {
                    stream.set_nonblocking(true)?;
                    Ok(said(&mut stream, secret.len()))
                }),
            };
            match said {
                Ok(text) if text == secret => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(CanaryError::Look { source }),
            }
        }
    }
}

/// What is there to be read, up to `length`.
fn said(stream: &mut impl Read, length: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(length);
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    // An error ends what was said; that is all that can be learned here.
    stream.take(limit).read_to_end(&mut text).ok();
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_the_secret_counts_and_it_may_have_been_said_long_ago() {
        let listener = Listener::on_loopback().unwrap();
        let connect = || TcpStream::connect(format!("127.0.0.1:{}", listener.name())).unwrap();
        connect().write_all(b"wrong!").unwrap();
        assert!(!listener.heard(b"secret").unwrap(), "a passer-by is no attacker");
        connect().write_all(b"secret").unwrap();
        assert!(listener.heard(b"secret").unwrap(), "the client has ended already");
    }

    #[test]
    fn an_abstract_name_answers_whoever_knows_it() {
        let listener = Listener::on_abstract_name().unwrap();
        let address = SocketAddr::from_abstract_name(listener.name()).unwrap();
        assert!(!listener.heard(b"secret").unwrap(), "nobody came yet");
        UnixStream::connect_addr(&address).unwrap().write_all(b"secret").unwrap();
        assert!(listener.heard(b"secret").unwrap(), "somebody came");
    }
}
