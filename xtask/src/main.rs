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

/// Runs every test of the workspace. The tests of today need nothing that cargo does not bring.
fn test() -> Result<()> {
    println!("installing: nothing is needed beyond the toolchain");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["test", "--workspace", "--all-features"])
        .status()
        .context("cargo test cannot be started")?;
    if status.success() { Ok(()) } else { bail!("tests failed") }
}
