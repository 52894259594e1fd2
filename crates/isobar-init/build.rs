//! How the executable is linked: by itself, at a fixed address, without start files and libc.
//!
//! A position-independent executable would have to relocate itself before its first line; nothing
//! of that is needed, since the guest never has a way into this process's memory.

fn main() {
    for argument in ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
