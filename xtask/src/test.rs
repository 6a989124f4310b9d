//! What do the tests need, and do they all pass? Real counterparts that are no crates are installed
//! from Debian here, and it is said; a test that misses one fails.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{cargo, guards};

/// Debian packages, each with a program of it that tests start and what it is for.
const PACKAGES: &[(&str, &str, &str)] = &[
    ("curl", "curl", "speaks TLS to listeners, over HTTP/1.1 and HTTP/2"),
    ("openssl", "openssl", "speaks TLS to listeners, and makes weak certificates"),
    ("prometheus", "promtool", "reads the metrics, and tests the alert rules"),
];

/// Installs what is missing, and runs every test of the workspace, the demo and the guards.
pub(crate) fn run() -> Result<()> {
    install()?;
    cargo(&["test", "--workspace", "--all-features"])?;
    cargo(&["run", "--quiet", "-p", "portcullis", "--", "demo", "--once"])?;
    guards::run()
}

fn install() -> Result<()> {
    let missing: Vec<_> = PACKAGES.iter().filter(|(_, program, _)| !is_there(program)).collect();
    if missing.is_empty() {
        println!("installing: nothing, all counterparts are there");
        return Ok(());
    }
    for (package, _, purpose) in &missing {
        println!("installing: {package} ({purpose})");
    }
    let names = missing.iter().map(|(package, ..)| *package);
    let install = ["install", "--yes", "--no-install-recommends"];
    apt(&["update"])?;
    apt(&install.into_iter().chain(names).collect::<Vec<_>>())
}

/// Whether it can be started; not every program knows `--version`.
fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    let status = command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).status();
    if status.context("apt-get cannot be started")?.success() {
        return Ok(());
    }
    bail!("`apt-get {}` failed; install the packages by hand", arguments.join(" "))
}
