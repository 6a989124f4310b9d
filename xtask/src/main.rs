//! The project's own tools: `cargo xtask arch` holds the house to its floors, `cargo xtask test`
//! runs every test, `cargo xtask guards` switches each guard off and expects the demo to fail,
//! `cargo xtask bench` measures beside nginx and Envoy, `cargo xtask docs` writes
//! docs/reference out of the tables in the sources, `cargo xtask supply` holds the tree to deny.toml.

#![allow(clippy::print_stdout, reason = "a command line speaks on standard output")]

mod arch;
mod bench;
mod docs;
mod guards;
mod supply;
mod test;

use std::process::Command;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("arch") => arch::run(),
        Some("test") => test::run(),
        Some("bench") => bench::run(),
        Some("profile") => bench::profile(
            &std::env::args().nth(2).unwrap_or_default(),
            std::env::args().nth(3).as_deref(),
        ),
        Some("guards") => guards::run(),
        Some("docs") => docs::run(),
        Some("soak") => soak(),
        Some("supply") => supply::run(),
        _ => bail!(
            "usage: cargo xtask arch | bench | docs | guards | profile | soak | supply | test"
        ),
    }
}

/// Kills the gateway a thousand times under load and looks for lost records.
fn soak() -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["test", "--release", "-p", "portcullis", "--test", "faults", "--", "--nocapture"])
        .arg("a_kill_under_load_loses_no_acknowledged_record")
        .env("PORTCULLIS_KILLS", "1000")
        .status()
        .context("cargo cannot be started")?;
    if status.success() { Ok(()) } else { bail!("acknowledged records were lost") }
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    println!("running: cargo {}", arguments.join(" "));
    let status = Command::new(cargo).args(arguments).status().context("cargo cannot be started")?;
    if status.success() { Ok(()) } else { bail!("`cargo {}` failed", arguments.join(" ")) }
}
