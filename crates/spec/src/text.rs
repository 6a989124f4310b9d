//! Which value does the text stand for? YAML 1.2 and, because JSON is YAML, JSON: one way for
//! both. A mapping with the same key twice has no one meaning and is refused; so are merge keys
//! and the YAML 1.1 truth values (`yes`, `on`), which tools read differently.

use serde_json::Value;

use crate::report::{Report, Rule};

/// Largest contract in bytes. The largest public ones are near 12 MB; beyond 16 MiB something
/// else than an API is described.
const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

const UNREADABLE: Rule = Rule {
    code: "PC0200",
    why: "operations come from the contract; nothing of the API is reachable without it",
    fix: "correct the document; a linter for YAML shows the same place",
};

/// Parses the text; says why where it cannot.
pub(crate) fn parse(text: &str, report: &mut Report<'_>) -> Option<Value> {
    if text.len() > TEXT_BYTES_MAX {
        report.error(UNREADABLE, "", format!("the contract exceeds {TEXT_BYTES_MAX} bytes"));
        return None;
    }
    let options = serde_saphyr::options! {
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Value>(text, options) {
        Ok(value) if value.is_object() => Some(value),
        Ok(_) => {
            report.error(UNREADABLE, "", "the contract is not a mapping");
            None
        }
        Err(error) => {
            let bytes = error.location().and_then(|location| {
                let start = usize::try_from(location.span().byte_offset()?).ok()?;
                let length = usize::try_from(location.span().byte_len().unwrap_or(0)).ok()?;
                Some((start.min(text.len()), start.saturating_add(length).min(text.len())))
            });
            let message = error.to_string().replace('\n', " ");
            let message = format!("the contract cannot be read: {message}");
            report.error_at(UNREADABLE, bytes.unwrap_or((0, 0)), message);
            None
        }
    }
}
