//! The rule for `ioctl`: a list of requests, since each driver brings its own.
//!
//! The three requests known to break out through a terminal get EPERM. What is not listed gets
//! ENOTTY, which is what a file without the request answers, so programs treat it as "not
//! supported" and go on. The kernel takes `unsigned int cmd`; a request with high bits set is the
//! same request (CVE-2019-10063), and the filter does not see those bits either.

use linux_raw_sys::errno::{ENOTTY, EOPNOTSUPP};
use linux_raw_sys::ioctl::{
    FICLONE, FICLONERANGE, FIGETBSZ, FIOASYNC, FIOCLEX, FIOGETOWN, FIONBIO, FIONCLEX, FIONREAD,
    FIOQSIZE, FIOSETOWN, FS_IOC_GETFLAGS, RNDGETENTCNT, SIOCATMARK, SIOCGIFADDR, SIOCGIFBRDADDR,
    SIOCGIFCONF, SIOCGIFDSTADDR, SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFMETRIC,
    SIOCGIFMTU, SIOCGIFNAME, SIOCGIFNETMASK, SIOCGIFTXQLEN, SIOCGPGRP, SIOCSPGRP, TCFLSH, TCGETA,
    TCGETS, TCGETS2, TCSBRK, TCSBRKP, TCSETA, TCSETAF, TCSETAW, TCSETS, TCSETS2, TCSETSF, TCSETSF2,
    TCSETSW, TCSETSW2, TCXONC, TIOCCBRK, TIOCEXCL, TIOCGETD, TIOCGEXCL, TIOCGPGRP, TIOCGPKT,
    TIOCGPTLCK, TIOCGPTN, TIOCGPTPEER, TIOCGSID, TIOCGWINSZ, TIOCLINUX, TIOCNOTTY, TIOCNXCL,
    TIOCOUTQ, TIOCPKT, TIOCSBRK, TIOCSCTTY, TIOCSETD, TIOCSPGRP, TIOCSPTLCK, TIOCSTI, TIOCSWINSZ,
};

use crate::seccomp::rule::{ALLOW, Argument, Case, Check, DENY, Rule, errno};

/// `SIOCETHTOOL` of linux/sockios.h.
const SIOCETHTOOL: u32 = 0x8946;

/// Modes, job control, size and queues of a terminal; both ends of a pseudo-terminal.
const TERMINALS: &[u32] = &[
    TCGETS,
    TCSETS,
    TCSETSW,
    TCSETSF,
    TCGETA,
    TCSETA,
    TCSETAW,
    TCSETAF,
    TCSBRK,
    TCXONC,
    TCFLSH,
    TIOCEXCL,
    TIOCNXCL,
    TIOCSCTTY,
    TIOCGPGRP,
    TIOCSPGRP,
    TIOCOUTQ,
    TIOCGWINSZ,
    TIOCSWINSZ,
    TIOCPKT,
    TIOCNOTTY,
    TIOCGETD,
    TCSBRKP,
    TIOCSBRK,
    TIOCCBRK,
    TIOCGSID,
    TCGETS2,
    TCSETS2,
    TCSETSW2,
    TCSETSF2,
    TIOCGPTN,
    TIOCSPTLCK,
    TIOCGPTPEER,
    TIOCGPKT,
    TIOCGPTLCK,
    TIOCGEXCL,
];

/// Any descriptor: close-on-exec, blocking, readable bytes, owner. `FIONREAD` is `TIOCINQ` and
/// `SIOCINQ` too, `TIOCOUTQ` is `SIOCOUTQ`.
const DESCRIPTORS: &[u32] =
    &[FIONREAD, FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX, FIOQSIZE, FIOSETOWN, FIOGETOWN];

/// Files: block size, flags (read only), and sharing blocks as `copy_file_range` does.
const FILES: &[u32] = &[FIGETBSZ, FS_IOC_GETFLAGS, FICLONE, FICLONERANGE];

/// Sockets: reading what the network devices are; nothing that sets.
const SOCKETS: &[u32] = &[
    SIOCSPGRP,
    SIOCGPGRP,
    SIOCATMARK,
    SIOCGIFNAME,
    SIOCGIFCONF,
    SIOCGIFFLAGS,
    SIOCGIFADDR,
    SIOCGIFDSTADDR,
    SIOCGIFBRDADDR,
    SIOCGIFNETMASK,
    SIOCGIFMETRIC,
    SIOCGIFMTU,
    SIOCGIFHWADDR,
    SIOCGIFINDEX,
    SIOCGIFTXQLEN,
];

/// `ioctl`.
pub(in crate::seccomp) const IOCTL: Check = Check {
    says: "terminal, descriptor and file basics, reading network devices; \
           TIOCSTI, TIOCLINUX and TIOCSETD get EPERM, others ENOTTY",
    rule: Rule::Switch {
        argument: Argument::Second,
        mask: u32::MAX,
        cases: &[
            Case { values: TERMINALS, then: ALLOW },
            Case { values: DESCRIPTORS, then: ALLOW },
            Case { values: FILES, then: ALLOW },
            Case { values: SOCKETS, then: ALLOW },
            // How much entropy /dev/urandom had; libgcrypt asks.
            Case { values: &[RNDGETENTCNT], then: ALLOW },
            // Input, console and line discipline of a terminal that the host reads from:
            // CVE-2017-5226, CVE-2023-28100, and drivers loaded by number.
            Case { values: &[TIOCSTI, TIOCLINUX, TIOCSETD], then: DENY },
            // What the loopback device answers; psutil takes no other errno for "nothing known".
            Case { values: &[SIOCETHTOOL], then: errno(EOPNOTSUPP) },
        ],
        otherwise: &errno(ENOTTY),
    },
};
