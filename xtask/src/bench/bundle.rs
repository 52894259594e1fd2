//! An OCI bundle for runc and crun: the program, mounts and limits of `isobar run` as root.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::process;

/// Makes the bundle in `directory` from the specification that runc itself proposes.
pub(crate) fn make(runc: &Path, directory: &Path) -> Result<PathBuf> {
    let root = directory.join("rootfs");
    for name in ["usr", "proc", "dev", "sys", "tmp", "etc"] {
        fs::create_dir_all(root.join(name))?;
    }
    for name in ["bin", "sbin", "lib", "lib64"] {
        symlink(format!("usr/{name}"), root.join(name))?;
    }
    fs::write(root.join("etc/ld.so.cache"), "")?;
    process::run(process::command(runc).args(["spec", "--bundle"]).arg(directory))?;
    let file = directory.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file)?)?;
    set(&mut config, "/process/terminal", json!(false))?;
    set(&mut config, "/process/args", json!(["/usr/bin/true"]))?;
    let mounts = config.pointer_mut("/mounts").and_then(Value::as_array_mut);
    let mounts = mounts.context("runc proposes mounts")?;
    mounts.retain(|mount| mount.get("type") != Some(&json!("cgroup")));
    for path in ["/usr", "/etc/ld.so.cache"] {
        let options = ["rbind", "ro", "nosuid", "nodev"];
        mounts.push(json!({
            "destination": path, "type": "bind", "source": path, "options": options
        }));
    }
    let limits = json!({
        "memory": { "limit": 1 << 30 },
        "pids": { "limit": 64 },
        "cpu": { "quota": 200_000, "period": 100_000 },
    });
    set(&mut config, "/linux/resources", limits)?;
    fs::write(&file, serde_json::to_vec(&config)?)?;
    Ok(directory.to_owned())
}

/// Puts a value where runc proposes another.
fn set(config: &mut Value, pointer: &str, value: Value) -> Result<()> {
    *config.pointer_mut(pointer).with_context(|| format!("runc proposes no {pointer}"))? = value;
    Ok(())
}
