//! Where `isobar-init` is: in `ISOBAR_BIN_DIR` (xtask sets it), else built alone, since a build of
//! the whole workspace unifies features and would make another one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(crate) fn libexec() -> &'static Path {
    static LIBEXEC: OnceLock<PathBuf> = OnceLock::new();
    LIBEXEC.get_or_init(|| std::env::var_os("ISOBAR_BIN_DIR").map_or_else(build, PathBuf::from))
}

/// Builds it into the target directory that this test was built in: TARGET/TRIPLE/PROFILE/deps/X.
#[expect(clippy::disallowed_methods, reason = "a test calls cargo")]
fn build() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).expect("cargo's layout");
    let target = test.ancestors().nth(4).expect("cargo's layout");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", "isobar-init", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "isobar-init cannot be built");
    profile.to_owned()
}
