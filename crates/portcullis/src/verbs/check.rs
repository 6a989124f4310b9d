//! `portcullis check`: everything that is wrong with an estate; and the schemas of its files.

use std::io::IsTerminal;

use anyhow::Result;
use clap::ValueEnum;
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
    let found = estate::load(site);
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
