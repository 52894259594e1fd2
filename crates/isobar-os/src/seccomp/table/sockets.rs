//! Sockets, and System V and POSIX inter-process communication.

use super::Verdict::Check;
use super::{Group, calls};
use crate::seccomp::checks::sockets::{SOCKET, SOCKETPAIR};

pub(super) const SOCKETS: Group = Group {
    name: "sockets",
    reason: "what can be reached is decided by the network namespace; which kinds of socket there \
             are, by the check of socket",
    rows: calls! {
        __NR_socket => Check(&SOCKET);
        __NR_socketpair => Check(&SOCKETPAIR);
        __NR_bind;
        __NR_listen;
        __NR_accept;
        __NR_accept4;
        __NR_connect;
        __NR_getsockname;
        __NR_getpeername;
        __NR_getsockopt;
        __NR_setsockopt, "what changes the host's networking needs capabilities";
        __NR_sendto;
        __NR_sendmsg;
        __NR_sendmmsg;
        __NR_recvfrom;
        __NR_recvmsg;
        __NR_recvmmsg;
        __NR_shutdown;
    },
};

pub(super) const IPC: Group = Group {
    name: "ipc",
    reason: "the sandbox has an ipc namespace of its own, which ends with it",
    rows: calls! {
        __NR_shmget;
        __NR_shmat;
        __NR_shmctl;
        __NR_shmdt;
        __NR_semget;
        __NR_semop;
        __NR_semtimedop;
        __NR_semctl;
        __NR_msgget;
        __NR_msgsnd;
        __NR_msgrcv;
        __NR_msgctl;
        __NR_mq_open;
        __NR_mq_unlink;
        __NR_mq_timedsend;
        __NR_mq_timedreceive;
        __NR_mq_notify;
        __NR_mq_getsetattr;
    },
};
