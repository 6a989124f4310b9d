//! `portcullis simulate FILE`: what would happen to these requests?

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use portcullis_runtime::clock;
use portcullis_runtime::estate::{self, Site};
use portcullis_runtime::simulate::{Simulated, simulate};

use crate::verbs::{Exit, Format, check};

/// Decides every request of a file.
pub(crate) fn run(site: &Site, file: &Path, format: Format) -> Result<Exit> {
    let found = estate::load(site);
    let Some(snapshot) = found.value else {
        print!("{}", check::text(&found.findings, &found.sources));
        return Ok(Exit::CouldNotRun);
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("`{}`", file.display()))?;
    let requests: Vec<Simulated> =
        serde_saphyr::from_str(&text).map_err(|error| anyhow!("`{}`: {error}", file.display()))?;
    let now = clock::now();
    let mut results = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        let result = simulate(request, &snapshot, now).map_err(|why| {
            anyhow!("`{}`, request {}: {why}", file.display(), number.saturating_add(1))
        })?;
        results.push(result);
    }
    let expected = results.iter().filter(|one| one.as_expected()).count();
    if format == Format::Text {
        for one in &results {
            let verdict = if one.as_expected() { "ok  " } else { "DIFF" };
            println!("{verdict} {:<50} {}", one.name, one.got);
            if !one.as_expected() {
                println!("     expected {}", one.expect.as_deref().unwrap_or("-"));
                one.said.iter().for_each(|said| println!("     {said}"));
            }
        }
        println!("{expected} of {} as expected", results.len());
    } else {
        println!("{}", serde_json::to_string_pretty(&results)?);
    }
    Ok(if expected == results.len() { Exit::Done } else { Exit::Refused })
}
