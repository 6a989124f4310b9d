//! What was written down about a decision, and what does it mean in plain words?

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use portcullis_model::record::RecordKind;
use portcullis_model::{Decision, Record, RecordId};

use crate::records::files;

/// Longest line of a record file; nothing that we wrote is longer.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// All records of a decision (intent and outcome), oldest first.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn find(directory: &Path, id: &RecordId) -> std::io::Result<Vec<Record>> {
    let mut found = Vec::new();
    for file in files(directory)? {
        read(&file, |line| {
            // the id stands in every line of its records; only those are worth parsing
            if line.contains(id.as_str())
                && let Ok(record) = serde_json::from_str::<Record>(line)
                && record.id == *id
            {
                found.push(record);
            }
        })?;
    }
    Ok(found)
}

/// Hands every line of a record file to `each`.
///
/// # Errors
/// When the file cannot be read.
pub fn read(file: &Path, mut each: impl FnMut(&str)) -> std::io::Result<()> {
    use std::io::Read as _;
    let mut reader = BufReader::new(File::open(file)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(());
        }
        // a line that was cut within a character must not hide all the others
        each(String::from_utf8_lossy(&line).trim_end());
    }
}

/// Words of a client (names of members, a tenant) may neither begin a line of their own nor speak
/// to the terminal.
fn plain(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for c in words.chars() {
        let turns = matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}') {
            text.extend(c.escape_unicode());
        } else {
            text.push(c);
        }
    }
    text
}

/// One decision in plain words.
#[must_use]
pub fn explain(records: &[Record]) -> String {
    let Some(record) =
        records.iter().find(|one| one.kind == RecordKind::Outcome).or_else(|| records.first())
    else {
        return String::new();
    };
    let mut text = String::new();
    let mut line = |words: String| {
        let _infallible = writeln!(text, "{}", plain(&words));
    };
    let what = match record.decision {
        Decision::Allow => "let through",
        Decision::Deny => "refused",
    };
    line(format!("decision {} of {}: {what} at stage {}", record.id, record.at, record.stage));
    line(format!("  snapshot  {}", record.revision));
    let request = &record.request;
    line(format!(
        "  request   {} {} on {} (listener {})",
        request.method.map_or("-", |method| method.as_str()),
        request.template.as_deref().unwrap_or("(no operation)"),
        request.host.as_deref().unwrap_or("-"),
        record.listener,
    ));
    let crossing = &record.crossing;
    let name = |name: Option<&str>| name.unwrap_or("-").to_owned();
    line(format!(
        "  crossing  {} -> {} by boundary {}, operation {} of {}",
        name(crossing.from.as_ref().map(|zone| zone.as_str())),
        name(crossing.to.as_ref().map(|zone| zone.as_str())),
        name(crossing.boundary.as_ref().map(|boundary| boundary.as_str())),
        name(crossing.operation.as_ref().map(|operation| operation.as_str())),
        name(crossing.api.as_ref().map(|api| api.as_str())),
    ));
    line(format!(
        "  caller    {}, tenant {}, handle {}",
        name(record.caller.kind.as_deref()),
        name(record.caller.tenant.as_deref()),
        name(record.caller.principal.as_deref()),
    ));
    if let Some(span) = &record.span {
        line(format!("  trace     {}, span {}", span.trace_id, span.span_id));
    }
    if !request.stripped.is_empty() {
        line(format!("  stripped  {}", request.stripped.join(", ")));
    }
    for note in &record.stages {
        line(format!("  {:<9} {} ({} us)", note.stage.to_string(), note.said, note.micros));
    }
    if let Some(reason) = record.reason {
        line(format!("  because   {reason}: {}", record.detail.as_deref().unwrap_or("-")));
        line(format!("            {}", reason.entry().meaning));
    }
    match &record.outcome {
        Some(outcome) => line(format!(
            "  outcome   HTTP {} to the client, {} from the upstream, {} bytes, {} us in all",
            outcome.status,
            outcome.upstream_status.map_or("nothing".to_owned(), |status| format!("HTTP {status}")),
            outcome.response_bytes,
            outcome.micros,
        )),
        None => line(
            "  outcome   none was written: the process ended before the crossing did".to_owned(),
        ),
    }
    text
}
