//! No network: a loopback interface of the sandbox's own, and nothing else.

use std::net::{TcpListener, UdpSocket};

use crate::guest::{passes, python};
use crate::harness::Isobar;

#[test]
fn there_is_only_a_loopback_interface() {
    let code = "
import os, socket
assert [name for _, name in socket.if_nameindex()] == ['lo']
routes = open('/proc/net/route').read().splitlines()[1:]
assert routes == [], routes
for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    server = socket.create_server((host, 0), family=family)
    client = socket.create_connection(server.getsockname()[:2], timeout=20)
    peer, _ = server.accept()
    client.sendall(b'x'); assert peer.recv(1) == b'x'
for address in ('192.0.2.1', '8.8.8.8', '169.254.169.254', '10.0.0.1', '255.255.255.255'):
    try: socket.create_connection((address, 80), timeout=20)
    except OSError as error: assert error.errno in (101, 113), error
    else: raise AssertionError(address)
print('ok')";
    passes(python(&[], code));
}

#[test]
fn the_hosts_own_loopback_is_another() {
    let (tcp, udp) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let ports = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
    // The listener is reachable, else its absence inside would prove nothing.
    drop(std::net::TcpStream::connect(("127.0.0.1", ports.0)).expect("outside it answers"));
    let code = format!(
        "
import socket
for host in ('127.0.0.1', 'localhost', '0.0.0.0'):
    try: socket.create_connection((host, {}), timeout=20)
    except ConnectionRefusedError: pass
    else: raise AssertionError(host)
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {}))
print('ok')",
        ports.0, ports.1
    );
    passes(python(&[], &code));
    udp.set_nonblocking(true).unwrap();
    assert!(udp.recv_from(&mut [0; 8]).is_err(), "no datagram came out");
}

/// Abstract unix sockets belong to the network namespace, too.
#[test]
fn abstract_sockets_of_the_host_are_not_there() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let name = format!("isobar-test-{}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap());
    let code = format!(
        "
import socket
try: socket.socket(socket.AF_UNIX).connect('\\0{name}')
except ConnectionRefusedError: print('ok')"
    );
    passes(python(&[], &code));
    drop(listener);
}

#[test]
fn names_fail_at_once() {
    // The run's own deadline would end a resolver that waits for an answer.
    let code = "
import socket
for name in ('example.com', 'metadata.google.internal', 'a.local'):
    try: socket.getaddrinfo(name, 80)
    except socket.gaierror: pass
    else: raise AssertionError(name)
print('ok')";
    passes(python(&["--timeout", "4s"], code));
}

#[test]
fn sockets_that_need_rights_or_reach_the_kernel_are_refused() {
    let code = "
import socket
for family, kind, protocol in ((2, 3, 1), (2, 3, 255), (17, 3, 0), (16, 3, 9), (38, 5, 0), (40, 1, 0), (29, 3, 1)):
    try: socket.socket(family, kind, protocol)
    except OSError: pass
    else: raise AssertionError((family, kind, protocol))
print('ok')";
    passes(python(&[], code));
}

#[test]
fn a_gateway_is_not_built_and_says_so() {
    let ended = Isobar::run_command().args(["--net", "gateway", "--", "true"]).run();
    assert_eq!(ended.codes(), ["ISO-POL-010"], "{ended}");
}
