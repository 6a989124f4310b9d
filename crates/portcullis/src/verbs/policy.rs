//! `portcullis policy`: what contracts make of policies.

use anyhow::{Context, Result};
use clap::Subcommand;
use portcullis_core::snapshot::compile::{Estate, baseline_text, schema_text};
use portcullis_diagnostics::Finding;
use portcullis_runtime::estate::{self, Site};

use crate::verbs::{Exit, check};

/// What to make.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Prints the Cedar schema that policies are held against.
    Schema,
    /// Writes `baseline.cedar` into the folder of policies.
    Baseline,
}

/// Makes it.
pub(crate) fn run(site: &Site, verb: &Verb) -> Result<Exit> {
    let mut found = estate::read(site);
    let make: fn(&Estate) -> (Option<String>, Vec<Finding>) = match verb {
        Verb::Schema => schema_text,
        Verb::Baseline => baseline_text,
    };
    let made = found.value.as_ref().and_then(|estate| {
        let (text, findings) = make(estate);
        found.findings.extend(findings);
        text
    });
    let (Some(text), Some(estate)) = (made, &found.value) else {
        print!("{}", check::text(&found.findings, &found.sources));
        return Ok(Exit::CouldNotRun);
    };
    match verb {
        Verb::Schema => print!("{text}"),
        Verb::Baseline => {
            let path = site.path(&estate.declaration.policies.value).join("baseline.cedar");
            std::fs::write(&path, text).with_context(|| format!("`{}`", path.display()))?;
            println!("wrote {}", path.display());
        }
    }
    Ok(Exit::Done)
}
