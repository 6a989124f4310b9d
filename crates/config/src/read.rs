//! How does the text of a declaration become one? Text to tree, an overlay laid over it, tree
//! against shape, shape to document, document to declaration; each step says everything that it
//! finds.

use portcullis_diagnostics::{Finding, SourceId};
use serde_json::Value;

use crate::declaration::Declaration;
use crate::document::Document;
use crate::overlay;
use crate::problems::{Places, Problems, Rule};
use crate::resolve::resolve;
use crate::shape;
use crate::tree::Node;

/// Largest declaration in bytes.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

const UNREADABLE: Rule = Rule {
    code: "PC0100",
    why: "nothing is enforced that is not declared",
    fix: "correct the YAML; `portcullis init` writes one to begin with",
};

/// Reads a declaration. Without any error among the findings, there is one.
#[must_use]
pub fn read(source: &SourceId, text: &str) -> (Option<Declaration>, Vec<Finding>) {
    let (declaration, findings) = read_as_meant(source, text);
    (declaration.filter(|_| !findings.iter().any(Finding::is_error)), findings)
}

/// Reads a declaration as it was most likely meant, where it has errors: good for finding more of
/// them elsewhere, never for enforcement. There is none where the text is not YAML at all.
#[must_use]
pub fn read_as_meant(source: &SourceId, text: &str) -> (Option<Declaration>, Vec<Finding>) {
    match parse(source, text) {
        Ok(tree) => understand(&tree, Problems::new(Places::new(source))),
        Err(findings) => (None, findings),
    }
}

/// The same with an overlay laid over it. Findings point into the text that they come from.
#[must_use]
pub fn read_overlaid_as_meant(
    (source, text): (&SourceId, &str),
    (overlay_source, overlay_text): (&SourceId, &str),
) -> (Option<Declaration>, Vec<Finding>) {
    let (tree, over) = match (parse(source, text), parse(overlay_source, overlay_text)) {
        (Ok(tree), Ok(over)) => (tree, over),
        (Ok(_), Err(findings)) | (Err(findings), Ok(_)) => return (None, findings),
        (Err(mut findings), Err(more)) => {
            findings.extend(more);
            return (None, findings);
        }
    };
    // one byte between the files, so that the end of one is not the beginning of the other
    let begin = text.len().saturating_add(1);
    let places = Places::new(source).and(overlay_source, begin);
    let mut problems = Problems::new(places);
    let tree = overlay::lay(&tree, &over.moved(begin), &json_schema(), &mut problems);
    understand(&tree, problems)
}

fn understand(tree: &Node, mut problems: Problems<'_>) -> (Option<Declaration>, Vec<Finding>) {
    let tree = shape::mend(tree, &json_schema(), &mut problems);
    let document = serde_json::from_value::<Document>(tree.to_json());
    problems.look_up_in(tree);
    let declaration = match document {
        Ok(document) => Some(resolve(&document, &mut problems)),
        Err(error) => {
            let message = format!("the declaration cannot be read: {error}");
            problems.error_at(UNREADABLE, (0, 0), message, None);
            None
        }
    };
    (declaration, problems.into_findings())
}

/// The JSON Schema (2020-12) of a declaration.
#[must_use]
pub fn json_schema() -> Value {
    schemars::schema_for!(Document).to_value()
}

/// The JSON Schema (2020-12) of an overlay.
#[must_use]
pub fn overlay_json_schema() -> Value {
    overlay::json_schema(json_schema())
}

fn parse(source: &SourceId, text: &str) -> Result<Node, Vec<Finding>> {
    let unreadable = |at, message: String| {
        let mut problems = Problems::new(Places::new(source));
        problems.error_at(UNREADABLE, at, message, None);
        problems.into_findings()
    };
    if text.len() > TEXT_BYTES_MAX {
        return Err(unreadable((0, 0), format!("the declaration exceeds {TEXT_BYTES_MAX} bytes")));
    }
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let at = error.location().and_then(|location| {
            let start = match location.span().byte_offset() {
                Some(offset) => usize::try_from(offset).ok()?,
                None => byte_at(text, location.line(), location.column())?,
            };
            let length = usize::try_from(location.span().byte_len().unwrap_or(0)).ok()?;
            Some((start.min(text.len()), start.saturating_add(length).min(text.len())))
        });
        let message = error.to_string().replace('\n', " ");
        unreadable(at.unwrap_or((0, 0)), format!("the declaration cannot be read: {message}"))
    })
}

/// The byte of a line and a column, which count from one; columns are characters.
fn byte_at(text: &str, line: u64, column: u64) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let within = text.get(before..)?.chars().take(column).map(char::len_utf8).sum();
    before.checked_add(within)
}
