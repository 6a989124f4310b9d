//! Does the gateway hold for hours, under load and faults? `cargo xtask soak [--minutes N] [--seed S]
//! [--binary PATH]` starts an estate with an issuer and upstreams, has clients of many kinds ask it,
//! brings faults about by a schedule that follows from the seed, and holds every answer against what
//! may be answered then, everything that crossed against the records, and the process against itself:
//! memory, file descriptors, threads. What it leaves out: clocks that jump, more than one machine.

mod asked;
mod clients;
mod conversation;
mod estate;
mod faults;
mod ledger;
mod multiplexed;
mod random;
mod refused;
mod report;
mod resources;
mod run;
mod streams;
mod tally;
mod upstream;
mod weather;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use portcullis_testkit::shop::publish;
use portcullis_testkit::{Dialer, Issuer};

use clients::{CLIENTS, Client};
use estate::Estate;
use ledger::Ledger;
use random::Random;
use report::Report;
use resources::{Sample, longest};
use run::{Run, Vouching};
use upstream::Notes;
use weather::Weather;

/// Where the report goes.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/soak");

/// The binary that is soaked if none is named.
const BINARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/portcullis");

/// Between two looks at records and at the process.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// After the load, what was under way ends and what is idle is closed.
const REST: Duration = Duration::from_secs(15);

/// A process lives this share of a run at least, and not shorter than the other.
const LIVES: u32 = 5;
const LIFE_MIN: Duration = Duration::from_secs(100);

/// Clients beside those of `clients`.
const FURTHER: &[(Client, u64)] = &[
    (refused::refused, 2),
    (multiplexed::multiplexed, 2),
    (streams::talking, 2),
    (streams::listening, 1),
];

/// What is asked for.
#[derive(Debug)]
struct Asked {
    minutes: f64,
    seed: u64,
    binary: Option<PathBuf>,
}

/// Soaks; an error where something is wrong.
pub(crate) fn run() -> Result<()> {
    let asked = asked()?;
    let binary = match &asked.binary {
        Some(binary) => binary.canonicalize().context("no such binary")?,
        None => {
            crate::cargo(&["build", "--release", "-p", "portcullis"])?;
            PathBuf::from(BINARY).canonicalize()?
        }
    };
    let report = soak(&asked, &binary)?;
    println!("{}", report.write(Path::new(FOLDER))?);
    ensure!(report.faults().is_empty(), "something is wrong");
    Ok(())
}

fn asked() -> Result<Asked> {
    let mut asked = Asked { minutes: 2.0, seed: 1, binary: None };
    let mut arguments = std::env::args().skip(2);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("`{name}` needs a value"))?;
        match name.as_str() {
            "--minutes" => asked.minutes = value.parse()?,
            "--seed" => asked.seed = value.parse()?,
            "--binary" => asked.binary = Some(value.into()),
            _ => bail!("usage: cargo xtask soak [--minutes N] [--seed S] [--binary PATH]"),
        }
    }
    Ok(asked)
}

fn soak(asked: &Asked, binary: &Path) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let (weather, tally) = (Arc::new(Weather::default()), Arc::default());
    let notes = Arc::new(Notes::new(Arc::clone(&tally), Arc::clone(&weather)));
    let mut random = Random::new(asked.seed, 0);
    let mut estate = Estate::open(binary, folder.path(), &mut random, &notes)?;
    let issuer = Arc::new(Issuer::new("soak-0"));
    publish(&estate.mesh.shop.jwks, &issuer.jwks());
    let root = estate.mesh.public.pem();
    let billing = estate.mesh.billing();
    let run = Run {
        addresses: estate.addresses,
        dialer: estate.mesh.dialer(None),
        dialer_http2: Dialer::speaking(&root, None, portcullis_testkit::secure::VERSIONS, &[b"h2"]),
        billing: estate.mesh.dialer(Some(&billing)),
        key: estate.key.clone(),
        weather,
        tally,
        notes,
        numbers: asked::Numbers::default(),
        told: ledger::Told::default(),
        serving: resources::Serving::default(),
        vouching: Vouching { issuer, generation: 0, withdrawn: None }.into(),
        over: AtomicBool::new(false),
    };
    run.serving.set(estate.mesh.shop.gateway.pid());
    // the keys of the example's own issuer are forgotten
    std::thread::sleep(Duration::from_secs(3));
    let mut ledger = Ledger::new(estate.folder().join("state/records"));
    let begun = Instant::now();
    let before = Sample::of(run.serving.pid(), begun);
    let long = Duration::from_secs_f64(asked.minutes * 60.0);
    let (samples, failures) = under_load(asked, &run, &mut estate, &mut ledger, long)?;
    std::thread::sleep(REST);
    ledger.look(&run.notes, &run.told, &run.weather, &run.tally);
    Ok(Report {
        seed: asked.seed,
        seconds: begun.elapsed().as_secs_f64(),
        binary: binary.display().to_string(),
        rows: run.tally.rows(),
        examples: run.tally.examples(),
        records: ledger.lines,
        settled: ledger.settled,
        unsettled: ledger.unsettled(&run.weather),
        longest_life: longest(&samples),
        before,
        after: Sample::of(run.serving.pid(), begun),
        connections_left: connections(&estate),
        failures,
        samples,
    })
}

/// Has everybody at work for so long.
fn under_load(
    asked: &Asked,
    run: &Run,
    estate: &mut Estate,
    ledger: &mut Ledger,
    long: Duration,
) -> Result<(Vec<Sample>, Vec<String>)> {
    let (jwks, servers) = (estate.mesh.shop.jwks.clone(), estate.servers.clone());
    let lives = (long / LIVES).max(LIFE_MIN);
    let seed = asked.seed;
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        let mut name = 10;
        for (client, count) in CLIENTS.iter().chain(FURTHER) {
            for _ in 0..*count {
                name += 1;
                let mut random = Random::new(seed, name);
                threads.push(scope.spawn(move || client(run, &mut random)));
            }
        }
        threads.push(scope.spawn(move || {
            faults::around(run, &jwks, &servers, &mut Random::new(seed, 1));
        }));
        let operated =
            scope.spawn(move || faults::operated(run, estate, lives, &mut Random::new(seed, 2)));
        let samples = watch(run, ledger, long, || operated.is_finished());
        run.over.store(true, Ordering::Release);
        let mut failures = Vec::new();
        match operated.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failures.push(format!("{error:#}")),
            Err(_) => failures.push("the lane of operators ended by a panic".to_owned()),
        }
        for thread in threads {
            if thread.join().is_err() {
                failures.push("a client ended by a panic".to_owned());
            }
        }
        Ok((samples, failures))
    })
}

/// Looks at records and at the process until it is over.
fn watch(run: &Run, ledger: &mut Ledger, long: Duration, failed: impl Fn() -> bool) -> Vec<Sample> {
    let begun = Instant::now();
    let mut samples: Vec<Sample> = Vec::new();
    while begun.elapsed() < long && !failed() {
        std::thread::sleep(LOOK_EVERY);
        ledger.look(&run.notes, &run.told, &run.weather, &run.tally);
        let due = samples.last().map_or(0.0, |last| last.at + SAMPLE_EVERY.as_secs_f64());
        if begun.elapsed().as_secs_f64() >= due {
            samples.extend(Sample::of(run.serving.pid(), begun));
        }
    }
    samples
}

/// Connections that the gateway counts.
fn connections(estate: &Estate) -> Option<u64> {
    let (_, metrics) = estate.mesh.shop.gateway.admin("GET", "/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix("portcullis_connections "))?;
    line.parse().ok()
}
