//! What does a larger estate cost? Memory and processor time of loading it, the time of a reload,
//! which is compiled off the path of requests, the exchange alone, and decisions among many policies.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::estates::{self, Kind};
use super::{median, rivals};

/// Reloads; the median counts.
pub(super) const RELOADS: usize = 5;

/// Numbers of policies among which decisions are measured.
const POLICIES: [usize; 2] = [100, 5_000];

/// What was measured.
pub(super) struct Scale {
    /// Operations in all.
    pub(super) operations: usize,
    /// Resident memory at rest of the estate of `init`, in KiB.
    pub(super) small_kib: u64,
    /// Large estates, by what they are called.
    pub(super) estates: Vec<(&'static str, Large)>,
    /// Nanoseconds of a decision, by the number of all policies.
    pub(super) decisions: Vec<(usize, u64)>,
}

/// What a large estate costs.
pub(super) struct Large {
    /// Processor time until it listens, in seconds.
    pub(super) load_secs: f64,
    /// Most memory until then, in KiB.
    pub(super) peak_kib: u64,
    /// Resident memory at rest, and after the reloads, in KiB.
    pub(super) rest_kib: u64,
    pub(super) reloaded_kib: u64,
    /// Median time of reading and compiling at a reload, in milliseconds.
    pub(super) compile_millis: f64,
    /// Median time of the exchange, in milliseconds.
    pub(super) exchange_millis: f64,
}

/// Measures.
pub(super) fn measure(folder: &Path) -> Result<Scale> {
    let small = folder.join("small");
    fs::create_dir_all(&small)?;
    rivals::run(Command::new("target/release/portcullis").arg("-C").arg(&small).arg("init"))?;
    let declared = fs::read_to_string(small.join("portcullis.yaml"))?;
    fs::write(small.join("portcullis.yaml"), declared.replace("127.0.0.1:8080", "127.0.0.1:0"))?;
    let key = ["key", "new", "--provider", "keys", "--holder", "bench", "--scope", "hello:read"];
    rivals::run(Command::new("target/release/portcullis").arg("-C").arg(&small).args(key))?;
    let little = rivals::serve(&small, 1)?;
    let small_kib = little.memory_kib("VmRSS:")?;
    little.stop()?;
    let mut estates = Vec::new();
    for (name, kind) in [("equal schemas", Kind::Alike), ("schemas that differ", Kind::Varied)] {
        estates.push((name, large(&folder.join(format!("large-{kind:?}")), kind)?));
    }
    let decisions = POLICIES.into_iter().map(|all| Ok((all, decision(all)?)));
    let operations = estates::APIS * estates::OPERATIONS;
    Ok(Scale { operations, small_kib, estates, decisions: decisions.collect::<Result<_>>()? })
}

fn large(folder: &Path, kind: Kind) -> Result<Large> {
    estates::write(folder, kind)?;
    let gateway = rivals::serve(folder, 1)?;
    #[allow(clippy::cast_precision_loss, reason = "a figure for reading")]
    let load_secs = gateway.cpu_nanos()? as f64 / 1e9;
    let (peak_kib, rest_kib) = (gateway.memory_kib("VmHWM:")?, gateway.memory_kib("VmRSS:")?);
    let (mut compiled, mut exchanged) = (Vec::new(), Vec::new());
    for number in 0..RELOADS {
        fs::write(folder.join("policies/other.cedar"), format!("// reload {number}\n"))?;
        let said = reload(&folder.join("state/admin.sock"))?;
        compiled.push(figure(&said, "compiled in ")?);
        exchanged.push(figure(&said, "exchanged in ")? / 1000.0);
    }
    let reloaded_kib = gateway.memory_kib("VmRSS:")?;
    gateway.stop()?;
    let (compile_millis, exchange_millis) = (median(&compiled), median(&exchanged));
    Ok(Large { load_secs, peak_kib, rest_kib, reloaded_kib, compile_millis, exchange_millis })
}

/// The number that follows these words.
fn figure(said: &str, words: &str) -> Result<f64> {
    let (_, rest) = said.split_once(words).with_context(|| format!("{words:?} in {said}"))?;
    Ok(rest.split(' ').next().unwrap_or_default().parse()?)
}

fn reload(socket: &Path) -> Result<String> {
    let mut stream = UnixStream::connect(socket).context("the admin socket")?;
    stream.write_all(
        b"POST /reload HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    )?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    ensure!(said.starts_with("HTTP/1.1 200"), "not reloaded: {said}");
    Ok(said)
}

/// Nanoseconds of a decision of the policy engine alone, among so many policies.
fn decision(policies: usize) -> Result<u64> {
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "-p", "portcullis-policy"]);
    let said = command.args(["--example", "decide", "--", &policies.to_string()]).output()?;
    let text = String::from_utf8_lossy(&said.stdout);
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    text.trim().parse().with_context(|| text.into_owned())
}
