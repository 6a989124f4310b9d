//! `portcullis replay FILE`: are recorded decisions what their facts make of them?

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use portcullis_model::Record;
use portcullis_model::record::RecordKind;
use portcullis_runtime::archive;
use portcullis_runtime::estate::{self, Site};
use portcullis_runtime::replay::{Replayed, replay};
use portcullis_runtime::seal::SealKey;
use serde_json::json;

use crate::verbs::{Exit, Format, check};

/// Replays every decision of a file.
pub(crate) fn run(site: &Site, file: &Path, format: Format) -> Result<Exit> {
    let found = estate::load(site);
    let Some(snapshot) = found.value else {
        print!("{}", check::text(&found.findings, &found.sources));
        return Ok(Exit::CouldNotRun);
    };
    let key = site.path(&snapshot.declaration.records.seal_key);
    if !key.exists() {
        bail!("`{}` is missing: sealed facts cannot be opened", key.display());
    }
    let seal = SealKey::load_or_make(&key).with_context(|| format!("`{}`", key.display()))?;
    let (mut same, mut differing) = (0_u64, Vec::new());
    let mut not_replayable: BTreeMap<&str, u64> = BTreeMap::new();
    let mut number = 0_u64;
    archive::read(file, |line| {
        number = number.saturating_add(1);
        let record = match serde_json::from_str::<Record>(line) {
            Ok(record) if record.kind == RecordKind::Intent => return,
            Ok(record) => record,
            Err(error) => return differing.push((format!("line {number}"), error.to_string())),
        };
        match replay(&record, &snapshot, &seal) {
            Replayed::Same => same = same.saturating_add(1),
            Replayed::NotReplayable(why) => {
                let count = not_replayable.entry(why).or_default();
                *count = count.saturating_add(1);
            }
            Replayed::Differs(why) => differing.push((record.id.to_string(), why)),
        }
    })
    .with_context(|| format!("`{}`", file.display()))?;
    if format == Format::Text {
        for (id, why) in &differing {
            println!("{id}: differs: {why}");
        }
        let unknown: u64 = not_replayable.values().sum();
        println!("{same} the same, {} differ, {unknown} cannot be recomputed", differing.len());
        for (why, count) in &not_replayable {
            println!("  {count} times: {why}");
        }
    } else {
        println!(
            "{:#}",
            json!({"same": same, "differ": differing, "not_replayable": not_replayable})
        );
    }
    // a file of which nothing could be recomputed proves nothing
    let proved = differing.is_empty() && (same > 0 || not_replayable.is_empty());
    Ok(if proved { Exit::Done } else { Exit::Refused })
}
