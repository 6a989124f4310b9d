//! The project's own tools: `cargo xtask arch` holds the house to its floors, `cargo xtask test`
//! runs every test.

#![allow(clippy::print_stdout, reason = "a command line speaks on standard output")]

mod arch;

use std::process::Command;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("arch") => arch::run(),
        Some("test") => test(),
        _ => bail!("usage: cargo xtask arch | test"),
    }
}

/// Runs every test of the workspace, and the demo. They need nothing that cargo does not bring.
fn test() -> Result<()> {
    println!("installing: nothing is needed beyond the toolchain");
    cargo(&["test", "--workspace", "--all-features"])?;
    cargo(&["run", "--quiet", "-p", "portcullis", "--", "demo", "--once"])
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    println!("running: cargo {}", arguments.join(" "));
    let status = Command::new(cargo).args(arguments).status().context("cargo cannot be started")?;
    if status.success() { Ok(()) } else { bail!("`cargo {}` failed", arguments.join(" ")) }
}
