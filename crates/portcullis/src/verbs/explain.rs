//! `portcullis explain`: why a decision fell, or what a code means.

use std::path::Path;

use anyhow::{Context, Result, bail};
use portcullis_model::{Reason, RecordId};
use portcullis_runtime::{archive, estate};

use crate::verbs::Exit;

/// Explains a reason, or the decision of an id.
pub(crate) fn run(folder: &Path, what: &str) -> Result<Exit> {
    if let Some(reason) = Reason::from_code(what) {
        let entry = reason.entry();
        println!("{} (stage {}, HTTP {})", entry.code, entry.stage, entry.status);
        println!("client is told: {}", entry.title);
        println!("{}", entry.meaning);
        return Ok(Exit::Done);
    }
    if what.contains('.') || !what.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let known: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        match portcullis_diagnostics::closest(what, known.iter().copied()) {
            Some(close) => bail!("there is no reason `{what}`; did you mean `{close}`?"),
            None => bail!("there is no reason `{what}`; known are:\n  {}", known.join("\n  ")),
        }
    }
    let found = estate::read(folder);
    let estate = found.value.with_context(|| {
        format!(
            "`{}` has no valid estate, so its records cannot be found; see `portcullis check`",
            folder.display()
        )
    })?;
    let records = folder.join(&estate.declaration.records.directory);
    let found = archive::find(&records, &RecordId::new(what))
        .with_context(|| format!("`{}`", records.display()))?;
    if found.is_empty() {
        bail!("no record of `{what}` is kept in `{}`", records.display());
    }
    print!("{}", archive::explain(&found));
    Ok(Exit::Done)
}
