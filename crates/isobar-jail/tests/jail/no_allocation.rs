//! Between clone and exec nothing uses the heap, which belongs to the supervisor: not in the fullest
//! launch that there is, and not on the way out of one that fails.

use isobar_jail::{
    Bind, BindSource, Confinement, Entry, JailError, JailSpec, LandlockRule, LandlockSpec,
    ResourceLimit, Step, launch,
};
use isobar_os::landlock;
use isobar_os::namespaces::NamespaceKind;
use isobar_os::raw::{self, MountAttributes};
use isobar_os::seccomp::{DeniedAnswer, FilterRequest, ProcessRule, assemble};

use crate::inside::{alone, is_inside, say, spec, start_spec, wait};
use crate::sys;

#[test]
fn a_child_that_allocates_is_noticed() {
    let _alone = alone();
    sys::foreign_uses();
    sys::allocate_in_a_child();
    assert_eq!(sys::foreign_uses(), 1, "else the tests below could not fail");
}

/// Uses every kind of entry, namespace and layer.
fn fill(jail: &mut JailSpec) {
    let attributes = MountAttributes::RDONLY.with(MountAttributes::NOSUID);
    let bind = |path: &std::ffi::CStr| {
        let source = BindSource::System(path.to_owned());
        Entry::Bind(Bind { source, attributes, directory: true })
    };
    let device = BindSource::Device { path: c"/dev/null".to_owned(), node: (1, 3) };
    let memory = Entry::Tmpfs {
        size: c"1048576".to_owned(),
        inodes: c"100".to_owned(),
        mode: c"1777".to_owned(),
        attributes,
    };
    let entries = [
        ("/usr", bind(c"/usr")),
        ("/deep/er/link", Entry::Link { target: c"/usr".to_owned() }),
        ("/empty", Entry::Directory { mode: 0o700 }),
        ("/dev/null", Entry::Bind(Bind { source: device, attributes, directory: false })),
        ("/dev/pts", Entry::Devpts { max: c"4".to_owned(), attributes }),
        ("/tmp", memory),
        ("/proc/kcore", Entry::MaskFile),
        ("/proc/there-is-no-such-file", Entry::MaskFile),
        ("/proc/bus", Entry::MaskDirectory),
        ("/proc/there-is-no-such-directory", Entry::MaskDirectory),
        ("/proc/sys", Entry::Freeze { attributes }),
    ];
    for (target, entry) in entries {
        jail.root.place(target, entry).unwrap();
    }
    jail.namespaces.extend([NamespaceKind::Ipc, NamespaceKind::Cgroup, NamespaceKind::Time]);
    let limit = ResourceLimit { resource: 4, line: "Max core file size", soft: 0, hard: 0 };
    jail.limits.push(limit);
    let rule = |path: &std::ffi::CStr, optional| LandlockRule {
        path: path.to_owned(),
        access: landlock::READ_ONLY,
        optional,
    };
    let rules = vec![rule(c"/usr", false), rule(c"/dev/null", false), rule(c"/missing", true)];
    let request = FilterRequest { processes: ProcessRule::Any, denied: DeniedAnswer::Errno };
    jail.late = Confinement {
        enforce: true,
        keep_capabilities: 0,
        landlock: Some(LandlockSpec { abi: raw::landlock_abi().unwrap(), rules }),
        filter: Some(assemble(&request)),
    };
}

#[test]
fn the_fullest_launch_does_not_allocate() {
    if is_inside() {
        say("executed");
        return wait();
    }
    let _alone = alone();
    let (mut jail, stdin, stdout) =
        spec("no_allocation::the_fullest_launch_does_not_allocate", Confinement::default());
    fill(&mut jail);
    // The program's own file must be executable inside the domain.
    if let Some(landlock) = &mut jail.late.landlock {
        landlock.rules.push(LandlockRule {
            path: c"/".to_owned(),
            access: landlock::READ_ONLY,
            optional: false,
        });
    }
    sys::foreign_uses();
    let mut inside = start_spec((jail, stdin, stdout));
    assert_eq!(inside.hear(), "executed", "the whole stage ran");
    assert_eq!(sys::foreign_uses(), 0, "and used no heap but its own stack");
    inside.end();
}

/// What is wrong, the step that notices, and how it is made wrong.
type Broken = (&'static str, Step, fn(&mut JailSpec));

#[test]
fn every_way_to_fail_does_not_allocate() {
    let _alone = alone();
    let broken: [Broken; 5] = [
        ("a bind of nothing", Step::RootEntry, |jail| {
            let source = BindSource::System(c"/there/is/nothing".to_owned());
            let attributes = MountAttributes::NONE;
            let bind = Bind { source, attributes, directory: true };
            jail.root.place("/bad", Entry::Bind(bind)).unwrap();
        }),
        ("a path that changed", Step::Changed, |jail| {
            let source = BindSource::Resolved { path: c"/usr".to_owned(), device: 0, inode: 0 };
            let attributes = MountAttributes::NONE;
            let bind = Bind { source, attributes, directory: true };
            jail.root.place("/bad", Entry::Bind(bind)).unwrap();
        }),
        ("a limit above every ceiling", Step::Limits, |jail| {
            let line = "Max open files";
            let (soft, hard) = (u64::MAX - 1, u64::MAX - 1);
            jail.limits.push(ResourceLimit { resource: 7, line, soft, hard });
        }),
        ("a rule about nothing", Step::Landlock, |jail| {
            let landlock = jail.late.landlock.as_mut().unwrap();
            let path = c"/missing".to_owned();
            landlock.rules.push(LandlockRule { path, access: 1, optional: false });
        }),
        ("a program that is none", Step::Execute, |jail| {
            jail.execution.program = isobar_os::sealed::executable(b"no program").unwrap();
        }),
    ];
    for (what, expected, breaking) in broken {
        let (mut jail, _stdin, _stdout) = spec("none", Confinement::default());
        fill(&mut jail);
        breaking(&mut jail);
        sys::foreign_uses();
        let mut jailed = launch(jail).expect("the process is made");
        jailed.reap().unwrap();
        assert_eq!(sys::foreign_uses(), 0, "{what}: failing is as careful");
        let failure = jailed.failure();
        let JailError::Stage { step, .. } = failure else { panic!("{what}: {failure:?}") };
        assert_eq!(step, expected, "{what}: and it is this step that failed");
    }
}
