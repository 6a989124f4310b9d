//! `portcullis run`: serves an estate until it is told to stop, and reads it anew when it is told so.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use portcullis_runtime::estate;
use serde_json::{Map, Value};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::reloading::{self, Watch};
use crate::serving::Serving;
use crate::verbs::{Exit, check};

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Worker threads; one per core where it is not said.
    #[arg(long)]
    workers: Option<usize>,
    /// Reads the estate anew when one of its files has changed; SIGHUP and `POST /reload` at the
    /// admin socket do so always.
    #[arg(long)]
    watch: bool,
    /// Writes the addresses of the listeners to this file once they listen.
    #[arg(long)]
    ports_file: Option<PathBuf>,
}

/// Serves.
pub(crate) fn run(folder: &Path, arguments: &Arguments) -> Result<Exit> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .init();
    let found = estate::load(folder);
    if !found.findings.is_empty() {
        eprint!("{}", check::text(&found.findings, &found.sources));
    }
    let Some(snapshot) = found.value else { return Ok(Exit::CouldNotRun) };
    let revision = snapshot.revision.clone();
    let workers = arguments.workers.unwrap_or_else(cores);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = {
        let _context = runtime.enter();
        Told {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        }
    };
    let mut serving = Serving::start(snapshot, folder, workers)?;
    for (listener, address) in serving.addresses() {
        eprintln!("listener `{listener}` on {address}");
    }
    if let Some(address) = serving.metrics_address() {
        eprintln!("metrics on {address}");
    }
    eprintln!("admin on {}, revision {revision}", serving.admin_socket().display());
    if let Some(path) = &arguments.ports_file {
        write_ports(path, &serving)?;
    }
    runtime.block_on(until_told(&mut serving, folder, arguments, told))?;
    eprintln!("stopping");
    serving.stop();
    Ok(Exit::Done)
}

/// Signals.
struct Told {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// Reloads whenever it is asked for; ends when it is told to stop.
async fn until_told(
    serving: &mut Serving,
    folder: &Path,
    arguments: &Arguments,
    mut told: Told,
) -> Result<()> {
    let mut watch = arguments.watch.then(|| Watch::new(folder));
    let mut asked = serving.asked();
    loop {
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        let operator = async {
            match &mut asked {
                Some(asked) => asked.recv().await,
                None => None,
            }
        };
        let answer = tokio::select! {
            _ = told.terminate.recv() => return Ok(()),
            _ = told.interrupt.recv() => return Ok(()),
            _ = told.hang_up.recv() => None,
            () = changed => None,
            Some(reload) = operator => Some(reload),
        };
        let (taken, said) = reloading::reload(serving, folder);
        eprint!("{said}");
        if taken && let Some(path) = &arguments.ports_file {
            write_ports(path, serving)?;
        }
        if let Some(answer) = answer {
            answer.done(taken, said);
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Written beside and renamed, so that whoever waits for the file reads all of it.
fn write_ports(path: &Path, serving: &Serving) -> Result<()> {
    let ports: Map<String, Value> = serving
        .addresses()
        .iter()
        .map(|(listener, address)| (listener.to_string(), Value::String(address.to_string())))
        .collect();
    let next = path.with_extension("next");
    std::fs::write(&next, Value::Object(ports).to_string())
        .and_then(|()| std::fs::rename(&next, path))
        .with_context(|| format!("`{}`", path.display()))
}
