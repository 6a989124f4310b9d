//! The project's own tools: `cargo xtask arch` holds the house to its floors, `cargo xtask test`
//! runs every test, `cargo xtask guards` switches each guard off and expects that it is missed,
//! `cargo xtask bench` measures beside nginx and Envoy, `cargo xtask docs` writes
//! docs/reference out of the tables in the sources, `cargo xtask supply` holds the tree to deny.toml,
//! `cargo xtask soak` lets clients and faults at it for as long as is wished.

#![allow(clippy::print_stdout, reason = "a command line speaks on standard output")]

mod arch;
mod bench;
mod docs;
mod guards;
mod soak;
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
        Some("guards") => guards::run(std::env::args().nth(2).as_deref()),
        Some("docs") => docs::run(),
        Some("soak") => soak::run(),
        Some("supply") => supply::run(),
        _ => bail!(
            "usage: cargo xtask arch | bench | docs | guards | profile | soak | supply | test"
        ),
    }
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    println!("running: cargo {}", arguments.join(" "));
    let status = Command::new(cargo).args(arguments).status().context("cargo cannot be started")?;
    if status.success() { Ok(()) } else { bail!("`cargo {}` failed", arguments.join(" ")) }
}
