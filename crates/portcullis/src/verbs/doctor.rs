//! `portcullis doctor`: is this machine fit to serve the estate, now? What `check` cannot know because
//! it only reads files: clocks, secrets, key sets, folders, sockets, limits, upstreams.
//!
//! Each question has a room of its own below. A finding says what would happen when the gateway starts
//! or runs on like this; nothing is changed, nothing is written, and nothing but a connection is asked
//! of an upstream.

mod clock;
mod doors;
mod keys;
mod records;
mod resources;
mod upstreams;
mod visit;

use anyhow::Result;
use portcullis_diagnostics::{Severity, render};
use portcullis_runtime::estate::{self, Site};
use serde_json::json;

use crate::verbs::{Exit, Format, check, say};
use visit::Visit;

/// Examines the machine.
pub(crate) fn run(site: &Site, workers: Option<usize>, format: Format) -> Result<Exit> {
    let found = estate::load(site);
    let Some(snapshot) = found.value else {
        say(&match format {
            Format::Text => check::text(&found.findings, &found.sources),
            Format::Json => format!("{:#}\n", render::json(&found.findings, &found.sources)),
            Format::Sarif => format!("{:#}\n", render::sarif(&found.findings, &found.sources)),
        })?;
        return Ok(Exit::CouldNotRun);
    };
    let workers = workers.unwrap_or_else(crate::descriptors::cores);
    let mut visit = Visit::new(&snapshot, &site.folder, workers);
    visit.fine("estate", format!("it holds, with its policies; revision {}", snapshot.revision));
    clock::examine(&mut visit);
    keys::examine(&mut visit);
    records::examine(&mut visit);
    let running = doors::admin(&mut visit);
    doors::listeners(&mut visit, running);
    resources::examine(&mut visit);
    upstreams::examine(&mut visit);
    let Visit { fine, mut findings, .. } = visit;
    findings.splice(0..0, found.findings);
    let sources = found.sources;
    say(&match format {
        Format::Text => {
            let lines = fine.iter().map(|(what, said)| format!("ok  {what}: {said}\n"));
            lines.collect::<String>() + "\n" + &check::text(&findings, &sources)
        }
        Format::Json => {
            let fine: Vec<_> =
                fine.iter().map(|(what, said)| json!({"what": what, "said": said})).collect();
            format!("{:#}\n", json!({"fine": fine, "findings": render::json(&findings, &sources)}))
        }
        Format::Sarif => format!("{:#}\n", render::sarif(&findings, &sources)),
    })?;
    let ill = findings.iter().any(|finding| finding.severity != Severity::Note);
    Ok(if ill { Exit::Refused } else { Exit::Done })
}
