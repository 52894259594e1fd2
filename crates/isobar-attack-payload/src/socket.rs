//! Connect to a listener on the host: an abstract Unix socket (the class of CVE-2020-15257), and a
//! port of the loopback interface. Whether a connection came is the listener's to say.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};

use crate::verdict::{Refusals, Unable, Verdict, argument};

/// `NAME SECRET`: an abstract name without its leading NUL, and what to say there.
pub(crate) fn unix(arguments: &[String]) -> Result<Verdict, Unable> {
    let name = argument(arguments, 0, "a name")?;
    let secret = argument(arguments, 1, "a secret")?;
    let address = SocketAddr::from_abstract_name(name)
        .map_err(|error| Unable(format!("{name} is no abstract name: {error}")))?;
    let mut refusals = Refusals::default();
    match UnixStream::connect_addr(&address).and_then(|stream| say(stream, secret)) {
        Ok(()) => Ok(Verdict::Succeeded("connect".to_owned())),
        Err(error) => {
            refusals.error("connect", &error);
            Ok(refusals.verdict())
        }
    }
}

/// `PORT SECRET`: a TCP port of the loopback interface, and what to say there.
pub(crate) fn loopback(arguments: &[String]) -> Result<Verdict, Unable> {
    let port: u16 = argument(arguments, 0, "a port")?
        .parse()
        .map_err(|error| Unable(format!("the port is no number: {error}")))?;
    let secret = argument(arguments, 1, "a secret")?;
    let mut refusals = Refusals::default();
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    let addresses = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V6(mapped),
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    ];
    for address in addresses {
        match TcpStream::connect((address, port)).and_then(|stream| say(stream, secret)) {
            Ok(()) => return Ok(Verdict::Succeeded(format!("connect to {address}"))),
            Err(error) => refusals.error("connect", &error),
        }
    }
    Ok(refusals.verdict())
}

fn say(mut stream: impl Write, secret: &str) -> std::io::Result<()> {
    stream.write_all(secret.as_bytes())
}
