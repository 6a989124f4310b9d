//! How much processor time does a request cost, next to nginx and Envoy on the same machine in the
//! same run? Writes `docs/benchmarks.md`.
//!
//! Every contestant has one worker and the same upstream and is asked over kept connections, in turns;
//! what is compared is processor time per request (from the scheduler's own count), because wall
//! time on a shared machine says little. Medians of the rounds are reported.

mod estates;
mod load;
mod protocols;
mod rivals;
mod scale;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use portcullis_testkit::collector::Collector;
use portcullis_testkit::issuer::Issuer;

use crate::cargo;
use load::{Load, Upstream};
use protocols::Costs;
use rivals::{Contestant, Run, Tools};
use scale::{Large, Scale};
use serde_json::json;

/// Rounds; the median counts.
const ROUNDS: usize = 5;

/// Requests of one contestant in one round.
const REQUESTS: usize = 20_000;

/// A contestant with what it is asked.
struct Row {
    name: &'static str,
    contestant: Contestant,
    load: Load,
    micros: Vec<f64>,
}

/// Loads one kind of contestant for as long as somebody watches it with a profiler; with fewer
/// requests for one that counts instructions.
pub(crate) fn profile(kind: &str, requests: Option<&str>) -> Result<()> {
    let requests = requests.map_or(Ok(REQUESTS * 10), str::parse)?;
    cargo(&["build", "--release", "-p", "portcullis"])?;
    let (upstream, issuer, folder) =
        (Upstream::start()?, Issuer::new("bench"), tempfile::tempdir()?);
    let collector = Collector::start();
    let endpoint = (kind == "traced").then(|| collector.endpoint());
    let how = Run { audit: "best_effort", collector: endpoint.as_deref(), tls: false };
    let contestant = rivals::portcullis(folder.path(), upstream.address, &issuer, how)?;
    let load = match kind {
        "bare" => Load::bare(),
        "jwt" | "traced" => Load::tokens(&issuer),
        "body" => Load::bodies(&issuer),
        _ => anyhow::bail!("usage: cargo xtask profile bare | jwt | body | traced [requests]"),
    };
    println!("process {}", contestant.pid());
    load.run(contestant.address, requests / 10)?;
    let before = contestant.cpu_nanos()?;
    load.run(contestant.address, requests)?;
    let nanos = contestant.cpu_nanos()?.saturating_sub(before);
    #[allow(clippy::cast_precision_loss, reason = "a figure for reading")]
    let micros = nanos as f64 / 1000.0 / requests as f64;
    println!("{micros:.1} us of processor time per request");
    contestant.stop()
}

/// Measures and writes.
pub(crate) fn run() -> Result<()> {
    cargo(&["build", "--release", "-p", "portcullis"])?;
    let tools = Tools::find()?;
    let upstream = Upstream::start()?;
    let issuer = Issuer::new("bench");
    let folder = tempfile::tempdir()?;
    let collector = Collector::start();
    let mut rows = rows(&tools, &upstream, &issuer, &collector, folder.path())?;
    for row in &rows {
        row.load.run(row.contestant.address, REQUESTS / 10)?;
    }
    for round in 0..ROUNDS {
        for row in &mut rows {
            let before = row.contestant.cpu_nanos()?;
            row.load.run(row.contestant.address, REQUESTS)?;
            let spent = row.contestant.cpu_nanos()?.saturating_sub(before);
            let micros = spent as f64 / 1000.0 / REQUESTS as f64;
            println!("round {round}: {:<40} {micros:>7.1} us", row.name);
            row.micros.push(micros);
        }
    }
    let mut memory = BTreeMap::new();
    for row in rows.iter().filter(|row| row.name.starts_with("Portcullis")) {
        memory.insert(row.name, row.contestant.resident_kib()?);
    }
    let mut sent = BTreeMap::new();
    for row in rows.iter().filter(|row| row.contestant.records.is_some()) {
        sent.insert(row.name, REQUESTS * ROUNDS + REQUESTS / 10);
    }
    let medians: BTreeMap<&str, f64> =
        rows.iter().map(|row| (row.name, median(&row.micros))).collect();
    for row in rows {
        let (name, records) = (row.name, row.contestant.records.clone());
        row.contestant.stop()?;
        if let (Some(records), Some(sent)) = (records, sent.get(name)) {
            let written = count_records(&records)?;
            ensure!(written == *sent, "{name}: {sent} requests left {written} records");
        }
    }
    let costs = protocols::measure(&tools, &upstream, &issuer, folder.path())?;
    let scale = scale::measure(folder.path())?;
    let mut text = report(&medians, &memory, &tools)?;
    text.push_str(&further(&costs, &scale)?);
    fs::write("docs/benchmarks.md", &text)?;
    let machine = json!({
        "micros_per_request": medians,
        "resident_kib": memory,
        "micros_per_handshake": costs.handshakes.iter().copied().collect::<BTreeMap<_, _>>(),
        "micros_per_http2_request": costs.http2.iter().copied().collect::<BTreeMap<_, _>>(),
        "operations": scale.operations,
        "small_kib": scale.small_kib,
        "large": scale.estates.iter().map(machine_row).collect::<BTreeMap<_, _>>(),
        "nanos_per_decision": scale.decisions.iter().copied().collect::<BTreeMap<_, _>>(),
    });
    fs::write("docs/benchmarks.json", format!("{machine:#}\n"))?;
    println!("{text}");
    Ok(())
}

fn rows(
    tools: &Tools,
    upstream: &Upstream,
    issuer: &Issuer,
    collector: &Collector,
    folder: &Path,
) -> Result<Vec<Row>> {
    let row = |name, contestant, load| Row { name, contestant, load, micros: Vec::new() };
    let at = |name: &str| {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).map(|()| folder)
    };
    let upstream = upstream.address;
    let plain = Run { audit: "best_effort", collector: None, tls: false };
    let endpoint = collector.endpoint();
    Ok(vec![
        row("nginx, bare", rivals::nginx(tools, &at("nginx")?, upstream)?, Load::bare()),
        row("Envoy, bare", rivals::envoy(tools, &at("envoy")?, upstream, None)?, Load::bare()),
        row(
            "Envoy, JWT + RBAC",
            rivals::envoy(tools, &at("envoy-jwt")?, upstream, Some(issuer))?,
            Load::tokens(issuer),
        ),
        row(
            "Portcullis, bare",
            rivals::portcullis(&at("bare")?, upstream, issuer, plain)?,
            Load::bare(),
        ),
        row(
            "Portcullis, JWT + Cedar + limits",
            rivals::portcullis(&at("jwt")?, upstream, issuer, plain)?,
            Load::tokens(issuer),
        ),
        row(
            "Portcullis, JWT + Cedar + limits, traced",
            rivals::portcullis(
                &at("traced")?,
                upstream,
                issuer,
                Run { collector: Some(&endpoint), ..plain },
            )?,
            Load::tokens(issuer),
        ),
        row(
            "Portcullis, all that + 1 KB JSON body",
            rivals::portcullis(&at("body")?, upstream, issuer, plain)?,
            Load::bodies(issuer),
        ),
        row(
            "Portcullis, JWT + Cedar + limits, durable",
            rivals::portcullis(
                &at("durable")?,
                upstream,
                issuer,
                Run { audit: "required", ..plain },
            )?,
            Load::tokens(issuer),
        ),
    ])
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn count_records(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let text = fs::read_to_string(entry?.path())?;
        count += text.lines().filter(|line| line.contains("\"kind\":\"outcome\"")).count();
    }
    Ok(count)
}

fn report(
    medians: &BTreeMap<&str, f64>,
    memory: &BTreeMap<&str, u64>,
    tools: &Tools,
) -> Result<String> {
    let of = |name: &str| medians.get(name).copied().context("a contestant is missing");
    let nginx = of("nginx, bare")?;
    let envoy = of("Envoy, JWT + RBAC")?;
    let mut text = format!(
        "# Benchmarks\n\nMade by `cargo xtask bench`: processor time per request, medians of {ROUNDS} \
         rounds of {REQUESTS} requests, taken in turns on one machine with {} cores; one worker each, \
         the same upstream, kept connections, requests of 64 callers. Every request to Portcullis left \
         its record; the run fails otherwise. Rival versions: {}.\n\n\
         | contestant | us per request | / bare nginx | / Envoy with JWT |\n|---|---|---|---|\n",
        std::thread::available_parallelism()?,
        tools.versions()?,
    );
    for (name, micros) in medians {
        writeln!(text, "| {name} | {micros:.1} | {:.2} | {:.2} |", micros / nginx, micros / envoy)?;
    }
    text.push_str("\nResident memory after the rounds:\n\n| contestant | MiB |\n|---|---|\n");
    for (name, kib) in memory {
        writeln!(text, "| {name} | {:.1} |", *kib as f64 / 1024.0)?;
    }
    Ok(text)
}

/// TLS, HTTP/2, and a large estate.
fn further(costs: &Costs, scale: &Scale) -> Result<String> {
    let mut text = String::from(
        "\nTLS and HTTP/2, with the same self-signed certificate (ECDSA P-256), over loopback: a whole \
         handshake of TLS 1.3 without resumption by `openssl s_time`, and a bare request over HTTP/2 and \
         TLS by `h2load` (4 connections, 10 at once on each):\n\n\
         | contestant | us per handshake | handshakes per second and core | us per request over HTTP/2 |\n|---|---|---|---|\n",
    );
    for ((name, handshake), (_, request)) in costs.handshakes.iter().zip(&costs.http2) {
        let rate = 1_000_000.0 / handshake;
        writeln!(text, "| {name} | {handshake:.0} | {rate:.0} | {request:.1} |")?;
    }
    text.push_str(&large(scale)?);
    Ok(text)
}

fn machine_row((name, large): &(&'static str, Large)) -> (&'static str, serde_json::Value) {
    let figures = json!({
        "load_secs": large.load_secs,
        "peak_kib": large.peak_kib,
        "rest_kib": large.rest_kib,
        "reloaded_kib": large.reloaded_kib,
        "compile_millis": large.compile_millis,
        "exchange_millis": large.exchange_millis,
    });
    (name, figures)
}

fn large(scale: &Scale) -> Result<String> {
    let mib = |kib: u64| kib as f64 / 1024.0;
    let mut text = format!(
        "\nLarge estates ({} operations with contracts and policies; the estate of `init` takes {:.1} MiB at \
         rest). Loading is processor time and the peak of memory until it listens; a reload reads, checks and \
         compiles off the path of requests, and is then exchanged as a whole:\n\n\
         | estate | loading, s | peak, MiB | at rest, MiB | after {} reloads, MiB | compiling, ms | exchange, ms |\n\
         |---|---|---|---|---|---|---|\n",
        scale.operations,
        mib(scale.small_kib),
        scale::RELOADS,
    );
    for (name, of) in &scale.estates {
        writeln!(
            text,
            "| {name} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} |",
            of.load_secs,
            mib(of.peak_kib),
            mib(of.rest_kib),
            mib(of.reloaded_kib),
            of.compile_millis,
            of.exchange_millis,
        )?;
    }
    text.push_str(
        "\nDecisions of the policy engine alone, warm, of which 22 policies apply to a question:\n\n\
         | policies in all | us per decision |\n|---|---|\n",
    );
    for (policies, nanos) in &scale.decisions {
        writeln!(text, "| {policies} | {:.1} |", *nanos as f64 / 1000.0)?;
    }
    Ok(text)
}
