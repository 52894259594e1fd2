//! A first sandbox.
use std::io::Read;
use isobar_boundary::{Boundary, Descriptors, ProcessSpec};
use isobar_namespace::NamespaceBoundary;
use isobar_policy::*;

fn libexec() -> std::path::PathBuf {
    std::env::var_os("ISOBAR_BIN_DIR").map(Into::into).expect("ISOBAR_BIN_DIR")
}

#[test]
fn probe_and_run() {
    let b = NamespaceBoundary::new(libexec());
    let t = std::time::Instant::now();
    let facts = b.probe();
    println!("probe {:?}\n{}", t.elapsed(), serde_json::to_string_pretty(&facts).unwrap());
    let mut policy = profile("default").unwrap();
    if facts.privilege == Privilege::Root { policy.limits.memory = Some(Bytes(64 << 20)); policy.limits.cpus = Some(Cpus::from_millis(500)); policy.limits.cpu_time = Some(Span::from_millis(2000)); }
    let request = Request { policy, grants: vec![], program: Program { path: "/usr/bin/id".into(), command: vec![] }, cwd: "/tmp".into(), env_names: vec![], slots: Default::default() };
    let plan = b.plan(&request, &facts).unwrap();
    for _ in 0..3 {
    let t = std::time::Instant::now();
    let mut sandbox = b.launch(&plan, Descriptors::new()).unwrap_or_else(|e| { if let isobar_boundary::LaunchError::Contradicted(ev) = &e { for e in ev.iter().filter(|e| !e.holds) { println!("{e:?}"); } } panic!("{e:?}") });
    let spec = ProcessSpec { program: c"/bin/sh".into(), argv: vec![c"sh".into(), c"-c".into(), c"id; ls /; cat /proc/self/mountinfo | wc -l; python3 -c 'import ssl; print(ssl)'; exit 3".into()], env: vec![c"PATH=/usr/bin".into()], cwd: c"/tmp".into() };
    let mut p = sandbox.spawn(&spec).unwrap_or_else(|e| { if let isobar_boundary::SpawnError::Contradicted(ev) = &e { for e in ev.iter().filter(|e| !e.holds) { println!("{e:?}"); } } panic!("{e:?}") });
    println!("started {:?}", t.elapsed());
    let mut s = String::new();
    std::fs::File::from(p.streams().stdout.take().unwrap()).read_to_string(&mut s).unwrap();
    println!("{s}");
    let mut s = String::new();
    std::fs::File::from(p.streams().stderr.take().unwrap()).read_to_string(&mut s).unwrap();
    println!("{s}");
    let r = loop { if let Some(r) = p.try_wait() { break r } };
    println!("{r:?}");
    let u = sandbox.destroy().unwrap();
    println!("{:?} {u:?}", t.elapsed());
    }
}
