//! What the guest sees: its mount table, its name and numbers, what of the host is hidden.

use std::collections::BTreeSet;
use std::path::Path;

use isobar_os::mountinfo;
use isobar_policy::Access;

use crate::harness::{Scene, is_root, python, skip};

/// What of the host's /etc may be there, besides synthetic files.
const ETC: [&str; 21] = [
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "ssl/certs",
    "ssl/cert.pem",
    "ssl/openssl.cnf",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/tls/openssl.cnf",
    "pki/ca-trust/extracted",
    "pki/java/cacerts",
    "ca-certificates",
    "mime.types",
    "protocols",
    "services",
    "python3",
    "python3.11",
    "python3.13",
    "perl",
    "java-17-openjdk",
];

/// The mounts that the guest must have and no others, written down here a second time on purpose.
fn expected_mounts() -> BTreeSet<String> {
    let on_host = |path: &str| {
        let data = std::fs::symlink_metadata(path);
        data.is_ok_and(|data| !data.file_type().is_symlink())
    };
    let always = [
        "/",
        "/usr",
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        "/dev/pts",
        "/proc",
        "/tmp",
        "/dev/shm",
        "/data",
    ];
    let top = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
    let masks = [
        "kcore",
        "keys",
        "key-users",
        "interrupts",
        "kallsyms",
        "timer_list",
        "latency_stats",
        "sched_debug",
        "sysrq-trigger",
        "acpi",
        "asound",
        "scsi",
        "pressure",
        "sys",
        "irq",
        "bus",
        "fs",
    ];
    let etc = ETC.map(|name| format!("/etc/{name}"));
    let masks = masks.map(|name| format!("/proc/{name}"));
    let where_there = top.iter().map(|path| (*path).to_owned()).chain(etc).chain(masks);
    let mut all: BTreeSet<String> = always.iter().map(|path| (*path).to_owned()).collect();
    all.extend(where_there.filter(|path| on_host(path)));
    // Host mounts below /usr come along, read-only.
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let below = mountinfo::parse(&table).into_iter().map(|mount| mount.point);
    all.extend(below.filter(|point| point.starts_with("/usr/")));
    all
}

#[test]
fn the_mount_table_is_exactly_the_plans() {
    let mut scene = Scene::new();
    let dir = scene.scratch().join("data");
    std::fs::create_dir(&dir).unwrap();
    scene.grant(&dir, "/data", Access::Ro);
    let ran = scene.run("cat /proc/self/mountinfo");
    let mounts = mountinfo::parse(&ran.out);
    let points: BTreeSet<String> = mounts.iter().map(|mount| mount.point.clone()).collect();
    assert_eq!(points, expected_mounts(), "nothing of the host that was not meant");
    assert_eq!(points.len(), mounts.len(), "and nothing hidden under something else");
    let masked = |point: &str| point.starts_with("/proc/") || point.starts_with("/dev/");
    for mount in &mounts {
        assert!(mount.has("nosuid") || masked(&mount.point), "no setuid program works: {mount:?}");
        let writable = ["/tmp", "/dev/shm", "/proc"].contains(&mount.point.as_str());
        assert!(
            mount.has("ro") || writable || masked(&mount.point),
            "written by nobody: {mount:?}"
        );
        assert!(mount.propagation.is_empty(), "no mount comes in or goes out: {mount:?}");
    }
}

#[test]
fn the_system_cannot_be_written() {
    let mut scene = Scene::new();
    let script = "for dir in / /usr /usr/bin /etc /dev /proc /proc/sys /var /home /root /run; do
            if (: > $dir/isobar-was-here) 2>/dev/null; then echo \"wrote to $dir\"; fi
        done
        for file in /etc/passwd /etc/resolv.conf /usr/bin/env /proc/sys/kernel/hostname /proc/sysrq-trigger; do
            if (: >> $file) 2>/dev/null && [ $file != /proc/sysrq-trigger ]; then echo \"opened $file\"; fi
        done; echo done";
    assert_eq!(scene.run(script).out, "done\n", "only /tmp and grants can be written");
}

#[test]
fn authorities_are_there_and_private_keys_are_not() {
    let mut scene = Scene::new();
    let script = "ls -d /etc/ssl/private /etc/pki/tls/private 2>/dev/null; find -L /etc/ssl /etc/pki -name '*.key' 2>/dev/null; echo none";
    assert_eq!(scene.run(script).out, "none\n", "not even where they would be");
    if !Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        return skip("view::authorities_are_there", "no /etc/ssl/certs/ca-certificates.crt");
    }
    let code = "import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'] > 0)";
    let ran = scene.run_spec(&python(code));
    assert_eq!(ran.out, "True\n", "Python finds them: {}", ran.err);
}

#[test]
fn masked_files_of_proc_tell_nothing() {
    let mut scene = Scene::new();
    let script = "cd /proc; for file in kcore keys key-users kallsyms timer_list; do
            if [ -e $file ]; then wc -c < $file; else echo 0; fi
        done";
    assert_eq!(scene.run(script).out, "0\n".repeat(5), "each reads as empty");
    let script = "cd /proc; for file in latency_stats sched_debug pressure/cpu pressure/memory acpi/* asound/* scsi/*; do
            if [ -s $file ] || cat $file 2>/dev/null | grep -q .; then echo $file; fi
        done; echo none";
    assert_eq!(scene.run(script).out, "none\n", "nor do directories hold anything");
}

#[test]
fn the_guest_is_who_the_policy_says() {
    let mut scene = Scene::new();
    let identity = &mut scene.policy().identity;
    identity.uid = Some(4711);
    identity.gid = Some(815);
    identity.hostname = Some("somewhere".to_owned());
    let ran = scene.run("id -u; id -g; id -un; uname -n; cat /etc/hostname");
    assert_eq!(ran.out, "4711\n815\nguest\nsomewhere\nsomewhere\n", "{}", ran.err);
}

#[test]
fn every_number_that_a_policy_may_name_works() {
    for number in [1, 1000, 65_533] {
        let mut scene = Scene::new();
        let identity = &mut scene.policy().identity;
        (identity.uid, identity.gid) = (Some(number), Some(number));
        let ran = scene.run("echo $(id -u) $(id -g)");
        assert_eq!(
            ran.out,
            format!("{number} {number}\n"),
            "the agent's own is another: {}",
            ran.err
        );
    }
}

#[test]
fn the_guest_holds_no_power() {
    let mut scene = Scene::new();
    let ran = scene.run("grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status | tr -d '\\t'");
    let none = "0000000000000000";
    let expected = format!(
        "CapInh:{none}\nCapPrm:{none}\nCapEff:{none}\nCapBnd:{none}\nCapAmb:{none}\n\
         NoNewPrivs:1\nSeccomp:2\nSeccomp_filters:1\n"
    );
    assert_eq!(ran.out, expected, "no capability in any set, one filter, nothing to be gained");
}

#[test]
fn the_guest_sees_its_own_processes_only() {
    let mut scene = Scene::new();
    // The shell lists by itself, so that no other process is there.
    let ran = scene.run("read name < /proc/1/comm; echo $name; cd /proc; echo [0-9]*; echo 1 $$");
    let lines: Vec<&str> = ran.out.lines().collect();
    let [name, seen, expected] = lines[..] else { panic!("three lines: {ran:?}") };
    assert_eq!(name, "isobar-init", "PID 1 is ours");
    assert_eq!(seen, expected, "the rest is the guest, and nobody of the host's");
}

#[test]
fn the_agent_is_closed_to_the_guest() {
    let mut scene = Scene::new();
    let script = "cd /proc/1; for file in environ mem maps auxv; do
            if cat $file > /dev/null 2>&1; then echo \"read $file\"; fi
        done
        for link in exe cwd root fd/0 fd/3 ns/pid; do
            if readlink $link 2>/dev/null; then echo \"read $link\"; fi
        done; ls fd 2>/dev/null; echo done";
    assert_eq!(scene.run(script).out, "done\n", "neither its memory nor its descriptors");
}

#[test]
fn the_network_is_a_loopback_and_nothing_else() {
    let mut scene = Scene::new();
    let script =
        "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; tail -n +2 /proc/net/route | wc -l
        cat /sys/class/net/*/operstate 2>/dev/null; echo done";
    assert_eq!(scene.run(script).out, "lo\n0\ndone\n", "no device, no route, no /sys");
}

#[test]
fn loopback_works() {
    let mut scene = Scene::new();
    let code = "
import socket
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
peer, _ = server.accept()
client.sendall(b'hello')
print(peer.recv(5).decode())";
    let ran = scene.run_spec(&crate::harness::python(code));
    assert_eq!(ran.out, "hello\n", "programs that talk to themselves run: {}", ran.err);
}

#[test]
fn clocks_and_groups_are_the_sandboxs_own() {
    let mut scene = Scene::new();
    let ran =
        scene.run("cat /proc/self/cgroup | cut -d: -f3 | sort -u; readlink /proc/self/ns/time");
    let (groups, clock) = ran.out.trim_end().rsplit_once('\n').expect("two answers");
    let ours = std::fs::read_link("/proc/self/ns/time").unwrap();
    assert_ne!(Path::new(clock), ours, "a time namespace of its own");
    if is_root() {
        assert_eq!(groups, "/", "paths begin at the sandbox's own group");
    }
}

#[test]
fn the_guests_clocks_start_with_its_sandbox() {
    let uptime = |text: &str| -> f64 {
        text.split(' ').next().and_then(|seconds| seconds.parse().ok()).expect("proc_uptime(5)")
    };
    let host = uptime(&std::fs::read_to_string("/proc/uptime").unwrap());
    let guest = uptime(&Scene::new().run("cat /proc/uptime").out);
    assert!(guest < host / 2.0 || host < 60.0, "{guest} s: uptime tells one host from another");
}
