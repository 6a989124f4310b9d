//! `portcullis explain`: why did this decision fall, or what does this code mean? Three kinds of
//! word: a finding code (`PC0101`), a reason (`authorize.forbidden`), a decision id.

use anyhow::{Context, Result, bail};
use portcullis_diagnostics::{closest, codes};
use portcullis_model::{Reason, RecordId};
use portcullis_runtime::archive;
use portcullis_runtime::estate::{self, Site};

use crate::verbs::Exit;

/// Explains a finding code, a reason, or the decision of an id.
pub(crate) fn run(site: &Site, what: &str) -> Result<Exit> {
    if let Some(page) = codes::page(&what.to_ascii_uppercase()) {
        print!("{page}");
        return Ok(Exit::Done);
    }
    if let Some(reason) = Reason::from_code(what) {
        let entry = reason.entry();
        println!("{} (stage {}, HTTP {})", entry.code, entry.stage, entry.status);
        println!("client is told: {}", entry.title);
        println!("{}", entry.meaning);
        return Ok(Exit::Done);
    }
    if what.is_empty() || !what.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return unknown(what);
    }
    decision(site, what)
}

/// What is neither a code nor an id; says what may have been meant.
fn unknown(what: &str) -> Result<Exit> {
    let codes = codes::pages().map(|page| page.code);
    let reasons = Reason::ALL.iter().map(|reason| reason.code());
    let is_code = what.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("pc"));
    let kind = if is_code { "finding code" } else { "reason" };
    let known: Vec<&str> = if is_code { codes.collect() } else { reasons.collect() };
    match closest(what, known.iter().copied()) {
        Some(close) => bail!("there is no {kind} `{what}`; did you mean `{close}`?"),
        None => bail!("there is no {kind} `{what}`; known are:\n  {}", known.join("\n  ")),
    }
}

fn decision(site: &Site, id: &str) -> Result<Exit> {
    let found = estate::read(site);
    let estate = found.value.with_context(|| {
        format!(
            "`{}` has no valid estate, so its records cannot be found; see `portcullis check`",
            site.folder.display()
        )
    })?;
    let records = site.path(&estate.declaration.records.directory);
    let found = archive::find(&records, &RecordId::new(id))
        .with_context(|| format!("`{}`", records.display()))?;
    if found.is_empty() {
        bail!("no record of `{id}` is kept in `{}`", records.display());
    }
    print!("{}", archive::explain(&found));
    Ok(Exit::Done)
}
