//! Ends a build for a system that isobar cannot run on with one error instead of hundreds.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os != "linux" {
        println!(
            "cargo::error=isobar runs on Linux only, and this build is for {os}: what it enforces \
             with is Linux's. Build it in a Linux machine or container (docs/platforms.md)."
        );
    }
}
