//! `portcullis check`: everything that is wrong with an estate; and the schemas of its files.

use std::io::IsTerminal;

use anyhow::Result;
use clap::ValueEnum;
use portcullis_core::Snapshot;
use portcullis_core::diff::{Change, Effect, diff};
use portcullis_diagnostics::{Finding, Sources, render};
use portcullis_runtime::estate::{self, Site};

use crate::verbs::{Exit, Format, say};

/// What a schema describes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Of {
    /// `portcullis.yaml`.
    Declaration,
    /// `overlays/NAME.yaml`.
    Overlay,
}

/// Checks the estate.
pub(crate) fn run(site: &Site, format: Format) -> Result<Exit> {
    let mut found = estate::load(site);
    if let (Some(overlay), Some(snapshot)) = (&site.overlay, &found.value) {
        found.findings.extend(widened(overlay, site, snapshot));
    }
    say(&match format {
        Format::Text => text(&found.findings, &found.sources),
        Format::Json => format!("{:#}\n", render::json(&found.findings, &found.sources)),
        Format::Sarif => format!("{:#}\n", render::sarif(&found.findings, &found.sources)),
    })?;
    let Some(snapshot) = found.value else { return Ok(Exit::CouldNotRun) };
    if format == Format::Text {
        say(&format!(
            "estate `{}`: {} operations, {} boundaries, {} policies, revision {}\n",
            snapshot.declaration.estate,
            snapshot.operations.len(),
            snapshot.crossings.len(),
            snapshot.engine.len(),
            snapshot.revision.get(..12).unwrap_or(&snapshot.revision),
        ))?;
    }
    Ok(Exit::Done)
}

/// What the overlay lets through that the declaration alone does not. Nothing where the declaration
/// alone does not hold: then there is nothing to compare with.
fn widened(overlay: &str, site: &Site, snapshot: &Snapshot) -> Vec<Finding> {
    let Some(base) = estate::load(&site.with(None)).value else { return Vec::new() };
    let widening = diff(&base, snapshot).into_iter().filter(|one| one.effect == Effect::Widens);
    let note = |Change { section, name, said, .. }: Change| {
        let message =
            format!("overlay `{overlay}` widens what can cross: {section} {name}: {said}");
        Finding::note("PC0169", message)
            .why("an environment that lets more through should do so for all to see")
            .fix("nothing, if it is meant; `portcullis diff --overlay NAME` says all that differs")
    };
    widening.map(note).collect()
}

/// Prints the schema of the declaration, or that of an overlay.
pub(crate) fn schema(of: Of) -> Result<Exit> {
    let schema = match of {
        Of::Declaration => portcullis_config::json_schema(),
        Of::Overlay => portcullis_config::overlay_json_schema(),
    };
    say(&format!("{schema:#}\n"))?;
    Ok(Exit::Done)
}

/// Findings for people, in a log or over a wire.
pub(crate) fn plain(findings: &[Finding], sources: &Sources) -> String {
    render::text(findings, sources, false)
}

/// Findings for people, with color where they look.
pub(crate) fn text(findings: &[Finding], sources: &Sources) -> String {
    render::text(findings, sources, std::io::stdout().is_terminal())
}
