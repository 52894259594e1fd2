//! Rules for `socket` and `socketpair`: which kinds a guest may have.
//!
//! Every family and protocol is kernel code of its own, often loaded by its number alone, so only
//! those that programs need are listed: local sockets, TCP and UDP, and the one netlink protocol
//! that lists network devices. What is missing answers as a kernel built without it.

use linux_raw_sys::errno::{EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT};
use linux_raw_sys::net::{
    AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM,
};
use linux_raw_sys::netlink::NETLINK_ROUTE;

use crate::seccomp::rule::{ALLOW, Argument, Case, Check, DENY, Rule, errno};

/// `SOCK_TYPE_MASK` of linux/net.h: the bits above are flags (`SOCK_CLOEXEC`, `SOCK_NONBLOCK`).
const TYPE: u32 = 0xf;
/// `SOCK_PACKET` of linux/net.h, which the kernel turns into a packet socket.
const SOCK_PACKET: u32 = 10;
/// `IPPROTO_TCP` of linux/in.h.
const TCP: u32 = 6;
/// `IPPROTO_UDP` of linux/in.h.
const UDP: u32 = 17;

const NO_PROTOCOL: Rule = errno(EPROTONOSUPPORT);
const NO_TYPE: Rule = errno(ESOCKTNOSUPPORT);

const fn protocols(cases: &'static [Case]) -> Rule {
    Rule::Switch { argument: Argument::Third, mask: u32::MAX, cases, otherwise: &NO_PROTOCOL }
}

const fn types(cases: &'static [Case]) -> Rule {
    Rule::Switch { argument: Argument::Second, mask: TYPE, cases, otherwise: &NO_TYPE }
}

const LOCAL: Rule =
    types(&[Case { values: &[SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET], then: ALLOW }]);

/// Protocol 0 is the default of the type. Go asks for MPTCP first and falls back.
const INTERNET: Rule = types(&[
    Case { values: &[SOCK_STREAM], then: protocols(&[Case { values: &[0, TCP], then: ALLOW }]) },
    Case { values: &[SOCK_DGRAM], then: protocols(&[Case { values: &[0, UDP], then: ALLOW }]) },
    Case { values: &[SOCK_RAW, SOCK_PACKET], then: DENY },
]);

/// The C library's `getifaddrs` uses raw; the kernel treats both types alike.
const ROUTE: Rule = types(&[Case {
    values: &[SOCK_DGRAM, SOCK_RAW],
    then: protocols(&[Case { values: &[NETLINK_ROUTE], then: ALLOW }]),
}]);

/// `socket`.
pub(in crate::seccomp) const SOCKET: Check = Check {
    says: "local sockets, TCP and UDP over IPv4 and IPv6, the routing netlink; raw sockets get \
           EPERM, others what a kernel without them answers",
    rule: Rule::Switch {
        argument: Argument::First,
        mask: u32::MAX,
        cases: &[
            Case { values: &[AF_UNIX], then: LOCAL },
            Case { values: &[AF_INET, AF_INET6], then: INTERNET },
            Case { values: &[AF_NETLINK], then: ROUTE },
        ],
        otherwise: &errno(EAFNOSUPPORT),
    },
};

/// `socketpair`: the kernel makes both sockets before it learns that their family has no pairs.
pub(in crate::seccomp) const SOCKETPAIR: Check = Check {
    says: "local sockets; other families get EAFNOSUPPORT",
    rule: Rule::Switch {
        argument: Argument::First,
        mask: u32::MAX,
        cases: &[Case { values: &[AF_UNIX], then: LOCAL }],
        otherwise: &errno(EAFNOSUPPORT),
    },
};
