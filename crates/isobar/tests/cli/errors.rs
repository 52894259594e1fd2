//! One snapshot for each error code: what a person reads.
//!
//! Here is what a command line can provoke by itself; `hosts` stages hosts that lack something,
//! `inside` what goes wrong while a sandbox is made or runs. The last test holds the lists against
//! the table of codes, so that a new code gets a case.

mod hosts;
mod inside;
pub(crate) mod staged;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::{fs, iter};

use isobar_engine::policy::{Code, Diagnostic, Policy};
use isobar_engine::{Ask, Caller, Engine, Stop};
use rustix::process::geteuid;

use crate::harness::scrub::scrub;
use crate::harness::{Ended, Isobar, bin_dir, install, is_root, skip};

/// `isobar run` and `args`.
fn run<const N: usize>(args: [&str; N]) -> Isobar {
    Isobar::new().arg("run").args(args)
}

/// `isobar policy check` on a file of this content.
fn checked(content: impl AsRef<[u8]>) -> Isobar {
    let isobar = Isobar::new();
    let file = isobar.file("policy.toml", content);
    isobar.args(["policy", "check"]).arg(file)
}

/// A run with a directory that holds only these executables, `isobar-init` with this mode.
fn installed(names: &[&str], mode: u32) -> Isobar {
    let isobar = Isobar::new();
    let dir = isobar.scratch().join("bin");
    fs::create_dir(&dir).unwrap();
    for name in names {
        let mode = if *name == "isobar" { 0o755 } else { mode };
        install(&bin_dir().join(name), &dir.join(name), mode);
    }
    isobar.program_in(&dir).args(["run", "--", "true"])
}

#[track_caller]
fn check(code: Code, isobar: Isobar) {
    let scratch = isobar.scratch().to_owned();
    let ended = isobar.run();
    assert_eq!(ended.codes(), [code.as_str()], "exactly this is wrong: {ended}");
    told(code, &ended, &scratch);
}

/// Compares what was told with the snapshot.
#[track_caller]
fn told(code: Code, ended: &Ended, scratch: &Path) {
    assert_eq!(ended.code, Some(code.exit_code().into()), "the documented exit code: {ended}");
    assert!(!ended.out().contains("error["), "errors go to standard error: {ended}");
    snapshot(code, &scrub(&ended.err(), scratch));
}

#[track_caller]
fn snapshot(code: Code, text: &str) {
    let text = control_group(text)
        .replace(bin_dir().to_str().unwrap(), "BIN")
        .replace(&format!("user {}", geteuid().as_raw()), "user UID");
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(code.as_str(), text);
    });
}

/// The path of a control group, which is another on each machine, as `GROUP`.
fn control_group(text: &str) -> String {
    let Some((before, after)) = text.split_once("/sys/fs/cgroup/") else { return text.to_owned() };
    let end = after.find([':', '\n', ' ']).unwrap_or(after.len());
    format!("{before}GROUP{}", &after[end..])
}

macro_rules! cases {
    ($($name:ident: $code:ident = $isobar:expr;)*) => {
        $(#[test] fn $name() { check(Code::$code, $isobar); })*

        /// What the cases above provoke.
        pub(super) const COVERED: &[Code] = &[$(Code::$code),*];
    };
}

cases! {
    an_unknown_flag: CliUsage = run(["--memroy", "1G", "--", "true"]);
    a_value_that_is_none: CliBadValue = run(["--memory", "much", "--", "true"]);
    no_program: CliNoCommand = run([]);
    a_mode_without_workspace: CliConflict = run(["--workspace-mode", "ro", "--", "true"]);
    an_unknown_profile: CliUnknownProfile = run(["--profile", "lax", "--", "true"]);
    an_unknown_acceptance: CliUnknownAcceptance = run(["--accept", "everything", "--", "true"]);
    a_terminal_where_there_is_none: CliNoTerminal = run(["-t", "--", "true"]);
    an_unknown_language: CliUnknownLanguage = run(["--lang", "cobol", "-c", "DISPLAY 'A'"]);

    a_policy_that_is_not_there: PolicyUnreadable = run(["--policy", "none.toml", "--", "true"]);
    a_policy_as_long_as_a_book: PolicyTooLarge = checked(vec![b'#'; (1 << 20) + 1]);
    a_policy_in_latin_1: PolicyNotUtf8 = checked(b"version = 1 # gr\xfcn\n");
    a_policy_that_breaks_off: PolicySyntax = checked("version = 1\n[limits\n");
    a_policy_of_the_future: PolicyVersion = checked("version = 2\n");
    a_policy_with_a_slip: PolicyUnknownKey = checked("version = 1\n[limits]\nmemroy = '1G'\n");
    a_policy_that_lacks_a_key: PolicyMissingKey =
        checked("version = 1\nfs.tmpfs = [{ target = '/a' }]\n");
    a_policy_with_a_number_for_a_word: PolicyBadValue = checked("version = 1\nenv.allow = 7\n");
    a_policy_with_an_unknown_word: PolicyUnknownChoice =
        checked("version = 1\nnet.mode = 'bridge'\n");
    what_is_not_built: PolicyNotBuilt = run(["--net", "gateway", "--", "true"]);
    a_limit_of_zero: PolicyZeroLimit = run(["--memory", "0", "--", "true"]);
    a_limit_under_which_nothing_runs: PolicyLimitRange = run(["--open-files", "3", "--", "true"]);
    a_target_of_the_sandbox_itself: PolicyTarget = run(["--ro", "/usr:/proc", "--", "true"]);
    one_target_twice: PolicyDuplicateTarget = run(["--ro", "/usr:/a", "--ro", "/etc:/a", "--", "true"]);
    an_empty_path: PolicyPath = run(["--ro", "", "--", "true"]);
    a_directory_with_a_size: PolicyGrantSize =
        checked("version = 1\nfs.rw = [{ path = '/srv', size = '1G' }]\n");
    root_as_a_guest: PolicyIdentity = run(["--uid", "0", "--", "true"]);
    a_host_name_with_a_dot: PolicyHostname = run(["--hostname", "a.b", "--", "true"]);
    a_variable_without_a_name: PolicyEnvName = run(["--env", "=value", "--", "true"]);
    a_variable_with_a_nul: PolicyEnvValue = checked("version = 1\nenv.set.A = \"a\\u0000b\"\n");
    a_policy_that_a_guest_could_have_written: PolicyUnderGrant = {
        let isobar = Isobar::new();
        isobar.file("w/policy.toml", "version = 1\n");
        isobar.args(["run", "--workspace", "w", "--policy", "w/policy.toml", "--", "true"])
    };
    a_policy_that_is_another: PolicyDigest = {
        let isobar = Isobar::new();
        isobar.file("policy.toml", "version = 1\n");
        let digest = format!("sha256:{}", "0".repeat(64));
        isobar.args(["run", "--policy", "policy.toml", "--policy-digest", &digest, "--", "true"])
    };

    a_program_that_is_not_there: ResolveProgramMissing = run(["--", "no-such-program"]);
    a_program_that_is_a_text: ResolveProgramNotExecutable = {
        let isobar = Isobar::new();
        let file = isobar.file("text", "no program");
        isobar.args(["run", "--"]).arg(file)
    };
    a_script_for_nobody: ResolveInterpreterMissing = {
        let isobar = Isobar::new();
        let file = isobar.executable("script", "#!/no/such/interpreter\n");
        isobar.args(["run", "--"]).arg(file)
    };
    a_program_that_the_guest_does_not_see: ResolveToolchain = {
        let isobar = Isobar::new();
        let file = isobar.executable("script", "#!/bin/sh\n");
        isobar.args(["run", "--toolchain", "none", "--"]).arg(file)
    };
    a_grant_of_nothing: ResolvePathMissing = run(["--ro", "/no/such/path", "--", "true"]);
    a_grant_of_a_link: ResolvePathLink = {
        let isobar = Isobar::new();
        symlink("/etc", isobar.scratch().join("link")).unwrap();
        let link = isobar.scratch().join("link");
        isobar.args(["run", "--ro"]).arg(link).args(["--", "true"])
    };
    a_working_directory_that_climbs: ResolvePathClimbs =
        run(["--cwd", "/usr/../etc", "--", "true"]);
    a_program_in_latin_1: ResolvePathNotUtf8 = {
        let isobar = Isobar::new();
        let file = isobar.scratch().join(OsStr::from_bytes(b"gr\xfcn"));
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        isobar.args(["run", "--"]).arg(file)
    };
    one_directory_by_two_names: ResolveTargetTaken = {
        let isobar = Isobar::new();
        isobar.file("a/file", "");
        isobar.file("b/file", "");
        isobar.args(["run", "--ro", "a", "--ro", "b/../a", "--", "true"])
    };
    a_grant_with_more_than_can_be_held: ResolveUnprotected = {
        let isobar = Isobar::new();
        for number in 0..1025 {
            isobar.file(&format!("w/{number}/.envrc"), "");
        }
        isobar.args(["run", "--workspace", "w", "--", "true"])
    };
    a_grant_of_a_device: ResolveSpecialFile = run(["--ro", "/dev/null:/data", "--", "true"]);
    a_grant_of_the_whole_host: ResolveKernelPath = run(["--ro", "/:/host", "--", "true"]);
    a_grant_of_our_own: ResolveOwnDirectory = {
        let grant = format!("{}:/data", bin_dir().display());
        run(["--rw"]).arg(grant).args(["--", "true"])
    };
    a_workspace_that_is_a_file: ResolveWorkspace = {
        let isobar = Isobar::new();
        isobar.file("file", "");
        isobar.args(["run", "--workspace", "file", "--", "true"])
    };
    a_working_directory_of_the_host: ResolveWorkingDirectory =
        run(["--cwd", "/no/such/directory", "--", "true"]);
    arguments_like_a_library: ResolveArgumentTooLong = {
        // With a larger stack the kernel takes more than any guest will be given.
        let script = "ulimit -s 65536; exec \"$0\" \"$@\" $(seq 300000)";
        run(["--", "echo"]).under(["sh", "-c", script])
    };
    a_variable_in_latin_1: ResolveEnvName = {
        let isobar = Isobar::new();
        isobar.file("policy.toml", "version = 1\nenv.allow = ['PATH', 'X*']\n");
        let isobar = isobar.env(OsStr::from_bytes(b"Xgr\xfcn"), "1");
        isobar.args(["run", "--policy", "policy.toml", "--", "true"])
    };
    an_environment_like_a_library: ResolveEnvTooLarge = {
        let isobar = Isobar::new();
        let value = "x".repeat(300_000);
        isobar.file("policy.toml", format!("version = 1\nenv.set.BOOK = '{value}'\n"));
        isobar.args(["run", "--policy", "policy.toml", "--", "true"])
    };
    grants_without_number: ResolveTooManyGrants = {
        let isobar = Isobar::new().arg("run");
        isobar.file("one", "");
        let grants = (0..2000).flat_map(|n| ["--ro".to_owned(), format!("one:/data/{n}")]);
        isobar.args(grants.collect::<Vec<_>>()).args(["--", "true"])
    };

    a_boundary_that_is_not_built: HostBoundaryMissing = run(["--boundary", "wasm", "--", "true"]);

    isobar_alone: InitMissing = installed(&["isobar"], 0);
    an_init_that_anybody_can_change: InitOwner = installed(&["isobar", "isobar-init"], 0o777);

    a_report_into_nowhere: RunReport = run(["--report", "/no/such/dir/report", "--", "true"]);
    a_status_descriptor_that_is_closed: RunStatusFd = run(["--status-fd", "9", "--", "true"]);
    a_host_that_is_not_there: SetupRoot = Isobar::new().args(["setup", "--root", "/no/such/host"]);
    settings_that_are_a_directory: SetupRead = {
        let isobar = Isobar::new();
        fs::create_dir_all(isobar.scratch().join("host/etc/sysctl.d/60-isobar.conf")).unwrap();
        isobar.args(["setup", "--root", "host"])
    };
    a_place_that_is_a_file: SetupWrite = {
        let isobar = Isobar::new();
        isobar.file("host/etc", "");
        isobar.args(["setup", "--root", "host", "--apply", "userns"])
    };
    a_profile_of_somebody_else: SetupForeign = {
        let isobar = Isobar::new();
        isobar.file("host/etc/apparmor.d/isobar", "profile isobar {}\n");
        isobar.args(["setup", "--root", "host", "--apply", "apparmor"])
    };
    // In namespaces of its own, so that the host's /etc is not written.
    a_parser_that_fails: SetupCommand = {
        const HOST: &str = "mount -t tmpfs none /etc && mkdir /etc/apparmor.d && \
            mount -t tmpfs none /usr/sbin && cd /usr/sbin && \
            printf '#!/bin/sh\\necho no such kernel >&2\\nexit 1\\n' > apparmor_parser && \
            chmod +x apparmor_parser && exec \"$0\" \"$@\"";
        let unshare = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", HOST];
        Isobar::new().under(unshare).args(["setup", "--apply", "apparmor"])
    };
    a_step_of_no_setup: SetupUnknown = Isobar::new().args(["setup", "--apply", "firewall"]);
    a_guest_that_takes_every_name: RunProtected = {
        let isobar = Isobar::new();
        fs::create_dir(isobar.scratch().join("w")).unwrap();
        fs::set_permissions(isobar.scratch().join("w"), fs::Permissions::from_mode(0o777)).unwrap();
        const SCRIPT: &str = "touch .envrc .envrc.put-aside-by-isobar; \
            for n in $(seq 99); do touch .envrc.put-aside-by-isobar-$n; done";
        isobar.args(["run", "--workspace", "w", "--", "sh", "-c", SCRIPT])
    };
    a_full_disk: RunStream = Isobar::new().args(["policy", "schema"]).through_shell(">/dev/full");
}

/// What nobody can give to an executable, a caller of the library can.
#[track_caller]
fn refused(code: Code, argv: &[&str], value: &str) {
    let mut policy = Policy::empty();
    policy.env.allow = vec!["PATH".to_owned(), "NAME".to_owned()];
    let env = [("PATH", "/usr/bin:/bin"), ("NAME", value)];
    let caller = Caller {
        cwd: PathBuf::from("/"),
        env: env.map(|(name, value)| (name.into(), value.into())).to_vec(),
    };
    let argv = argv.iter().map(Into::into).collect();
    let ask = Ask { policy, argv, code: None, cwd: None, terminal: false, caller };
    let stop = Engine::with_libexec(bin_dir()).prepare(ask).expect_err("it cannot be passed on");
    let Stop::Refused(refusals) = stop else { panic!("a refusal, not {stop:?}") };
    let [one] = refusals.as_slice() else { panic!("one reason: {refusals:?}") };
    assert_eq!(one.code, code, "{one:?}");
    snapshot(code, &Diagnostic::from(one).render(false));
}

#[test]
fn an_argument_with_a_nul() {
    refused(Code::ResolveArgumentNul, &["true", "a\0b"], "plain");
}

#[test]
fn a_passed_on_value_with_a_nul() {
    refused(Code::ResolveEnvNul, &["true"], "a\0b");
}

/// Root may open everything.
#[test]
fn a_grant_of_what_is_closed() {
    if is_root() {
        return skip("a_grant_of_what_is_closed", "root may open everything");
    }
    let isobar = Isobar::new();
    let inner = isobar.file("closed/inner", "").parent().unwrap().to_owned();
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o000)).unwrap();
    let path = inner.join("inner");
    let scratch = isobar.scratch().to_owned();
    check(Code::ResolvePathDenied, isobar.args(["run", "--ro"]).arg(path).args(["--", "true"]));
    // Only what can be opened can be removed.
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_dir_all(scratch).unwrap();
}

/// Snapshots that other suites write, since they need more than an executable: a boundary that is a
/// double, a host that is a table, a control group to put something into.
const ELSEWHERE: [Code; 3] = [Code::EvidenceMissing, Code::HostSwap, Code::CleanupFailed];

#[test]
fn every_code_has_a_snapshot() {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo and xtask set it");
    let snapshots = Path::new(&manifest).join("tests/cli/snapshots");
    let also = [Code::ResolvePathDenied, Code::ResolveArgumentNul, Code::ResolveEnvNul];
    let own = [COVERED, hosts::COVERED, inside::COVERED, &also].into_iter().flatten();
    let listed: Vec<&Code> = own.chain(&ELSEWHERE).collect();
    for code in Code::ALL {
        let times = listed.iter().filter(|listed| **listed == code).count();
        assert_eq!(times, 1, "{code} ({}) needs one case", code.about());
        let file = snapshots.join(format!("{code}.snap"));
        let text = fs::read_to_string(&file).unwrap_or_default();
        assert!(text.contains(&format!("error[{code}]: ")), "{} tells it", file.display());
        assert!(text.contains("\n  remedy: "), "{code}: and what to do");
    }
}

#[test]
fn several_errors_are_all_told() {
    let zero = ["--pids", "0", "--timeout", "0", "--memory", "0"];
    let ended = Isobar::new().arg("run").args(zero).args(["--", "true"]).run();
    let expected: Vec<&str> = iter::repeat_n(Code::PolicyZeroLimit.as_str(), 3).collect();
    assert_eq!(ended.codes(), expected, "a person corrects all of them at once: {ended}");
}
