//! `portcullis check`: everything that is wrong with an estate; and its schema.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Result;
use portcullis_diagnostics::{Finding, Sources, render};
use portcullis_runtime::estate;

use crate::verbs::{Exit, Format, say};

/// Checks the estate.
pub(crate) fn run(folder: &Path, format: Format) -> Result<Exit> {
    let found = estate::load(folder);
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

/// Prints the schema of the declaration.
pub(crate) fn schema() -> Result<Exit> {
    say(&format!("{:#}\n", portcullis_config::json_schema()))?;
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
