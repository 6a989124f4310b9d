//! `portcullis demo`: the example shop with everything around it on this machine, and requests that
//! show what crosses and what does not.
//!
//! Every row asserts three things: the answer, what the upstream saw, and the record's reason.

mod client;
mod estate;
mod issuer;
mod rows;
mod upstream;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use portcullis_model::record::RecordKind;
use portcullis_model::{Reason, Record};
use portcullis_runtime::records::files;
use portcullis_runtime::{archive, estate as estates};

use crate::serving::Serving;
use crate::verbs::{Exit, check};
use client::Answer;
use estate::Scene;
use rows::{Expected, Row};

/// How to show it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Ends after the requests; fails if any verdict differs.
    #[arg(long)]
    once: bool,
    /// Serves only what stands around the gateway (token issuer and upstreams, on the ports of
    /// `examples/shop`) and prints tokens, for `portcullis run -C examples/shop`.
    #[arg(long, conflicts_with = "once")]
    counterparts: bool,
}

/// Shows it.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit> {
    if arguments.counterparts {
        return counterparts();
    }
    let scene = Scene::set()?;
    let found = estates::load(&estates::Site::plain(scene.folder()));
    let Some(snapshot) = found.value else {
        print!("{}", check::text(&found.findings, &found.sources));
        return Ok(Exit::CouldNotRun);
    };
    let records = scene.folder().join(&snapshot.declaration.records.directory);
    let serving = Serving::start(snapshot, scene.folder(), 2, None)?;
    let rows = rows::rows(&scene);
    println!("{:<58} {:<34} {:<34} {:>8}", "request", "expected", "got", "time");
    let mut shown = Vec::new();
    for row in &rows {
        let one = show(row, &scene, &serving)?;
        println!("{}", one.line(row));
        shown.push(one);
    }
    if !arguments.once {
        invite(&scene, &serving);
        wait()?;
    }
    serving.stop();
    let reasons = recorded(&records)?;
    let mut good = 0_usize;
    for (row, one) in rows.iter().zip(&shown) {
        let recorded = one.id.as_ref().and_then(|id| reasons.get(id));
        if recorded != Some(&row.expected.reason()) {
            println!("DIFF {}: the record says {recorded:?}", row.name);
        } else if one.as_expected {
            good = good.saturating_add(1);
        }
    }
    println!("{good} of {} as expected", rows.len());
    Ok(if good == rows.len() { Exit::Done } else { Exit::Refused })
}

/// What was seen of a row.
struct Shown {
    as_expected: bool,
    got: String,
    took: Duration,
    id: Option<String>,
    why: Option<String>,
}

impl Shown {
    fn line(&self, row: &Row) -> String {
        let mark = if self.as_expected { "ok  " } else { "DIFF" };
        let expected = match &row.expected {
            Expected::Crosses => "crosses".to_owned(),
            Expected::Refused(reason) => reason.to_string(),
        };
        let micros = self.took.as_micros();
        let why = self.why.as_ref().map(|why| format!("\n       {why}")).unwrap_or_default();
        format!("{mark} {:<53} {expected:<34} {:<34} {micros:>5} us{why}", row.name, self.got)
    }
}

fn show(row: &Row, scene: &Scene, serving: &Serving) -> Result<Shown> {
    let address = serving
        .addresses()
        .get(&row.listener.into())
        .copied()
        .with_context(|| format!("there is no listener `{}`", row.listener))?;
    let before = scene.upstream.seen();
    let begun = Instant::now();
    let mut answer = client::send(address, &row.bytes)?;
    for _ in 1..row.times {
        answer = client::send(address, &row.bytes)?;
    }
    let took = begun.elapsed().checked_div(row.times).unwrap_or_default();
    let seen = scene.upstream.seen().saturating_sub(before);
    let why = judge(row, &answer, seen);
    let got = match answer.code() {
        Some(code) => code,
        None => format!("crosses ({})", answer.status),
    };
    let id = answer.header("portcullis-decision-id").map(str::to_owned);
    Ok(Shown { as_expected: why.is_none(), got, took, id, why })
}

/// What differs from what was expected.
fn judge(row: &Row, answer: &Answer, seen: usize) -> Option<String> {
    match &row.expected {
        Expected::Crosses => {
            if answer.status != 200 {
                return Some(format!("answered {} {}", answer.status, answer.body));
            }
            if seen != 1 {
                return Some(format!("the upstream saw {seen} requests"));
            }
            let told = answer.body.to_ascii_lowercase();
            row.hidden
                .iter()
                .find(|word| told.contains(**word))
                .map(|word| format!("the upstream saw `{word}`"))
        }
        Expected::Refused(reason) => {
            let entry = reason.entry();
            if answer.status != entry.status || answer.code().as_deref() != Some(entry.code) {
                return Some(format!("answered {} {}", answer.status, answer.body));
            }
            let crossing = usize::try_from(row.times.saturating_sub(1)).unwrap_or(usize::MAX);
            (seen > crossing).then(|| format!("the upstream saw {seen} requests"))
        }
    }
}

/// The reason of every decision that was written down.
fn recorded(directory: &Path) -> Result<BTreeMap<String, Option<Reason>>> {
    let mut reasons = BTreeMap::new();
    for file in files(directory)? {
        archive::read(&file, |line| {
            if let Ok(record) = serde_json::from_str::<Record>(line)
                && record.kind == RecordKind::Outcome
            {
                reasons.insert(record.id.to_string(), record.reason);
            }
        })?;
    }
    Ok(reasons)
}

fn invite(scene: &Scene, serving: &Serving) {
    let at = |name: &str| {
        serving.addresses().get(&name.into()).map(ToString::to_string).unwrap_or_default()
    };
    let token = scene.issuer.token("alice", "acme", "orders:read orders:write", "");
    println!("\nThe shop stays up; Ctrl-C ends it. Try:");
    println!("  curl -i http://{}/v1/products", at("web"));
    println!("  TOKEN={token}");
    println!(
        "  curl -i http://{}/v1/tenants/acme/orders -H \"Authorization: Bearer $TOKEN\"",
        at("web")
    );
    println!(
        "  curl -i http://{}/v1/tenants/globex/orders -H \"Authorization: Bearer $TOKEN\"",
        at("web")
    );
    println!(
        "  curl -i http://{}/stock/v1/items/ABC-0001 -H 'x-api-key: {}'",
        at("partner"),
        scene.keys.full
    );
    println!("  curl --unix-socket {} http://admin/metrics", serving.admin_socket().display());
    println!("  portcullis explain -C {} ID-OF-A-DECISION\n", scene.folder().display());
}

fn counterparts() -> Result<Exit> {
    let scene = Scene::beside()?;
    println!("token issuer and upstreams of examples/shop stand; Ctrl-C ends them");
    println!(
        "TOKEN={}",
        scene.issuer.token("alice", "acme", "orders:read orders:write", "manager")
    );
    wait()?;
    Ok(Exit::Done)
}

fn wait() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c()).context("waiting for Ctrl-C")
}
