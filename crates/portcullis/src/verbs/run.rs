//! `portcullis run`: serves an estate until it is told to stop, and reads it anew when it is told so.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use portcullis_gateway::handover::Takeover;
use portcullis_runtime::estate::{self, Site};
use serde_json::{Map, Value};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::reloading::{self, Watch};
use crate::serving::Serving;
use crate::verbs::{Exit, check};
use crate::{descriptors, notify};

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
    /// Takes the listening sockets over from the gateway that answers at the admin socket, which then
    /// answers what it has and ends. Where none answers, this one starts as usual.
    #[arg(long)]
    takeover: bool,
    /// Writes the addresses of the listeners to this file once they listen.
    #[arg(long)]
    ports_file: Option<PathBuf>,
}

/// Serves.
pub(crate) fn run(site: &Site, arguments: &Arguments) -> Result<Exit> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // colours are for people: a file or a collector of logs would keep their codes
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(tracing::Level::INFO)
        // a log that cannot be written is lost; the complaint about it would go to the same place, and
        // end the thread that logs
        .log_internal_errors(false)
        .init();
    let found = estate::load(site);
    if !found.findings.is_empty() {
        eprint!("{}", check::text(&found.findings, &found.sources));
    }
    let Some(snapshot) = found.value else { return Ok(Exit::CouldNotRun) };
    let revision = snapshot.revision.clone();
    let workers = arguments.workers.unwrap_or_else(descriptors::cores);
    if let Err(finding) = descriptors::ensure(&snapshot.declaration, workers) {
        eprint!("{}", check::text(&[*finding], &found.sources));
        return Ok(Exit::CouldNotRun);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = {
        let _context = runtime.enter();
        Told {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        }
    };
    let socket = site.path(&snapshot.declaration.admin.socket);
    let from = match arguments.takeover {
        true => Takeover::ask(&socket).context("the takeover")?,
        false => None,
    };
    let mut serving = Serving::start(snapshot, &site.folder, workers, from)?;
    for (listener, address) in serving.addresses() {
        eprintln!("listener `{listener}` on {address}");
    }
    if let Some(address) = serving.metrics_address() {
        eprintln!("metrics on {address}");
    }
    if let Some(address) = serving.operators_address() {
        eprintln!("operators on {address}");
    }
    eprintln!("admin on {}, revision {revision}", serving.admin_socket().display());
    if let Some(path) = &arguments.ports_file {
        write_ports(path, &serving)?;
    }
    notify::ready();
    match runtime.block_on(until_told(&mut serving, site, arguments, told))? {
        End::Told => {
            eprintln!("stopping");
            serving.stop();
        }
        End::HandedOver => {
            eprintln!("another process serves now; ending with the last answer");
            serving.retire();
        }
    }
    Ok(Exit::Done)
}

/// Signals.
struct Told {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// Why it ends.
enum End {
    Told,
    HandedOver,
}

/// Reloads whenever it is asked for; ends when it is told to stop, or when another process has taken
/// over.
async fn until_told(
    serving: &mut Serving,
    site: &Site,
    arguments: &Arguments,
    mut told: Told,
) -> Result<End> {
    let mut watch = arguments.watch.then(|| Watch::new(&site.folder));
    let mut asked = serving.asked();
    let mut handing = serving.handing();
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
        let next = async {
            match &mut handing {
                Some(handing) => handing.recv().await,
                None => None,
            }
        };
        let answer = tokio::select! {
            _ = told.terminate.recv() => return Ok(End::Told),
            _ = told.interrupt.recv() => return Ok(End::Told),
            Some(stream) = next => tokio::select! {
                _ = told.terminate.recv() => return Ok(End::Told),
                _ = told.interrupt.recv() => return Ok(End::Told),
                taken = serving.hand_over(stream) => match taken {
                    true => return Ok(End::HandedOver),
                    false => continue,
                },
            },
            _ = told.hang_up.recv() => None,
            () = changed => None,
            Some(reload) = operator => Some(reload),
        };
        let (taken, said) = reloading::reload(serving, site);
        eprint!("{said}");
        if taken && let Some(path) = &arguments.ports_file {
            write_ports(path, serving)?;
        }
        if let Some(answer) = answer {
            answer.done(taken, said);
        }
    }
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
