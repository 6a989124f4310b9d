//! `portcullis diff`: what changed in meaning between two estates, or between two environments of one?

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use portcullis_core::Snapshot;
use portcullis_core::diff::{Change, Effect, diff};
use portcullis_runtime::estate::{self, Site};
use serde_json::json;

use crate::verbs::{Exit, Format, check, say};

/// What to compare: two folders, or one folder with `--overlay` once (with it and without) or twice.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder of the old estate.
    #[arg(requires = "new")]
    old: Option<PathBuf>,
    /// Folder of the new estate.
    new: Option<PathBuf>,
}

/// Compares. `overlays` are at most two: one for both folders, or one each.
pub(crate) fn run(
    folder: PathBuf,
    overlays: &[String],
    arguments: Arguments,
    format: Format,
) -> Result<Exit> {
    if format == Format::Sarif {
        bail!("changes are no findings: use `--format text` or `--format json`");
    }
    let two = arguments.new.is_some();
    let (old, new) = match (arguments.old, arguments.new) {
        (Some(old), Some(new)) => (old, new),
        (None, None) => (folder.clone(), folder),
        (Some(_), None) | (None, Some(_)) => bail!("name two folders, or none"),
    };
    let (first, second) = match overlays {
        [] if !two => bail!("name two folders, or an overlay: there is nothing to compare"),
        [] => (None, None),
        [one] if !two => (None, Some(one)),
        [one] => (Some(one), Some(one)),
        [one, two, ..] => (Some(one), Some(two)),
    };
    let site =
        |folder: PathBuf, overlay: Option<&String>| Site { folder, overlay: overlay.cloned() };
    let sides = (load(&site(old, first))?, load(&site(new, second))?);
    let (Some(old), Some(new)) = sides else { return Ok(Exit::CouldNotRun) };
    let changes = diff(&old, &new);
    let revisions = json!({"old": &*old.revision, "new": &*new.revision});
    say(&match format {
        Format::Json => format!("{:#}\n", json!({"revisions": revisions, "changes": changes})),
        Format::Text | Format::Sarif => text(&changes),
    })?;
    Ok(if changes.is_empty() { Exit::Done } else { Exit::Refused })
}

/// The snapshot; what is wrong with the estate is said on standard error.
fn load(site: &Site) -> Result<Option<Snapshot>> {
    let found = estate::load(site);
    if found.value.is_none() {
        eprintln!("`{}`:", site.folder.display());
        eprint!("{}", check::text(&found.findings, &found.sources));
    }
    Ok(found.value)
}

fn text(changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { section, name, effect, said } in changes {
        let subject = [*section, name.as_str()].join(" ");
        let _infallible = writeln!(text, "{:<15} {}: {said}", effect.as_str(), subject.trim_end());
    }
    let count = |effect| changes.iter().filter(|change| change.effect == effect).count();
    let counts = [Effect::Widens, Effect::CannotBeTold, Effect::Narrows, Effect::Neutral]
        .map(|effect| format!("{} {}", effect.as_str(), count(effect)));
    let _infallible = match changes.len() {
        0 => writeln!(text, "the same in meaning"),
        1 => writeln!(text, "1 change: {}", counts.join(", ")),
        all => writeln!(text, "{all} changes: {}", counts.join(", ")),
    };
    text
}
