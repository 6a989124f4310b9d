//! What do the tests need, and do they pass? Programs that tests are held against are installed here,
//! and it is said which; without them a test fails, so that nothing is skipped unseen.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Debian packages: what each is needed for, and a program of it.
const PACKAGES: &[(&str, &str, &str)] = &[
    ("curl", "TLS of listeners, over HTTP/1.1 and HTTP/2", "/usr/bin/curl"),
    ("fish", "completions", "/usr/bin/fish"),
    ("haproxy", "the PROXY protocol", "/usr/sbin/haproxy"),
    ("mandoc", "manual pages", "/usr/bin/mandoc"),
    ("nodejs", "issuers and their clients", "/usr/bin/node"),
    ("npm", "issuers and their clients", "/usr/bin/npm"),
    ("openssl", "TLS of listeners", "/usr/bin/openssl"),
    ("prometheus", "metrics, dashboards and alert rules", "/usr/bin/promtool"),
    ("systemd", "the unit in deploy/systemd", "/usr/bin/systemd-analyze"),
    ("zsh", "completions", "/usr/bin/zsh"),
];

/// Python packages, and what each is needed for.
const MODULES: &[(&str, &str)] = &[
    ("cryptography", "signatures of PyJWT"),
    ("grpcio", "gRPC through the gateway"),
    ("h2", "HTTP/2 to the gateway"),
    ("http-message-signatures", "programs that sign their messages"),
    ("pyjwt", "tokens of the boundary's own"),
];

/// Where Python packages are installed, and where tests look for them.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/python");

/// Node packages with their versions, and what each is needed for.
const NODE: &[(&str, &str, &str)] = &[
    ("oauth4webapi", "3.8.8", "clients that prove a key (DPoP)"),
    ("oidc-provider", "9.13.3", "issuers with discovery and introspection"),
];

/// Where Node packages are installed, and where tests look for them.
const NODE_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/node");

/// Runs every test of the workspace, the demo, and the demo with each guard switched off.
pub(crate) fn run() -> Result<()> {
    debian()?;
    python()?;
    node()?;
    crate::cargo(&["test", "--workspace", "--all-features"])?;
    crate::cargo(&["run", "--quiet", "-p", "portcullis", "--", "demo", "--once"])?;
    crate::guards::run(None)
}

fn debian() -> Result<()> {
    let mut lacking: Vec<&str> = Vec::new();
    for (package, purpose, program) in PACKAGES {
        if !Path::new(program).exists() {
            println!("installing: {package}, for {purpose}");
            lacking.push(package);
        }
    }
    // pip comes with some Pythons and not with Debian's
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|output| output.status.success()) {
        println!("installing: python3-pip, for Python packages");
        lacking.push("python3-pip");
    }
    if lacking.is_empty() {
        println!("installing: no Debian package is lacking");
        return Ok(());
    }
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(lacking);
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

fn python() -> Result<()> {
    let imported = Command::new("python3")
        .args(["-c", "import cryptography, grpc, h2, http_message_signatures, jwt"])
        .env("PYTHONPATH", FOLDER)
        .output()
        .context("python3 cannot be started")?;
    if imported.status.success() {
        println!("installing: no Python package is lacking");
        return Ok(());
    }
    for (package, purpose) in MODULES {
        println!("installing: {package}, for {purpose}, into {FOLDER}");
    }
    let status = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--upgrade", "--target", FOLDER])
        .args(MODULES.iter().map(|(package, _)| package))
        .status()
        .context("pip cannot be started")?;
    if status.success() { Ok(()) } else { bail!("Python packages could not be installed") }
}

fn node() -> Result<()> {
    let mut lacking = Vec::new();
    for (package, version, purpose) in NODE {
        let file = Path::new(NODE_FOLDER).join("node_modules").join(package).join("package.json");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if !text.contains(&format!("\"version\": \"{version}\"")) {
            println!("installing: {package} {version}, for {purpose}, into {NODE_FOLDER}");
            lacking.push(format!("{package}@{version}"));
        }
    }
    if lacking.is_empty() {
        println!("installing: no Node package is lacking");
        return Ok(());
    }
    let status = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", NODE_FOLDER])
        .args(lacking)
        .status()
        .context("npm cannot be started")?;
    if status.success() { Ok(()) } else { bail!("Node packages could not be installed") }
}
