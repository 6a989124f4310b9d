//! What do the tests need, and do they pass? Programs that tests are held against are installed here,
//! and it is said which; without them a test fails, so that nothing is skipped unseen.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Debian packages: what each is needed for, and a program of it.
const PACKAGES: &[(&str, &str, &str)] = &[
    ("openssl", "TLS of listeners", "/usr/bin/openssl"),
    ("curl", "TLS of listeners, over HTTP/1.1 and HTTP/2", "/usr/bin/curl"),
];

/// Runs every test of the workspace, the demo, and the demo with each guard switched off.
pub(crate) fn run() -> Result<()> {
    install()?;
    crate::cargo(&["test", "--workspace", "--all-features"])?;
    crate::cargo(&["run", "--quiet", "-p", "portcullis", "--", "demo", "--once"])?;
    crate::guards::run()
}

fn install() -> Result<()> {
    let lacking: Vec<_> =
        PACKAGES.iter().filter(|(.., program)| !Path::new(program).exists()).collect();
    if lacking.is_empty() {
        println!("installing: nothing is lacking");
        return Ok(());
    }
    for (package, purpose, _) in &lacking {
        println!("installing: {package}, for {purpose}");
    }
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(lacking.iter().map(|(package, ..)| *package));
    apt(&arguments)
}

fn apt(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(arguments)
        .status()
        .context("apt-get cannot be started")?;
    if status.success() { Ok(()) } else { bail!("`apt-get {}` failed", arguments.join(" ")) }
}
