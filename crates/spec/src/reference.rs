//! What does a `$ref` stand for? Only parts of the same document: a contract is one file, so
//! that what was reviewed is what is enforced, and reading it never fetches anything.

use serde_json::Value;

use crate::place;
use crate::report::{Report, Rule};

/// Longest chain of references. Real contracts need two or three; a longer one is a cycle.
const CHAIN_MAX: usize = 16;

const UNRESOLVED: Rule = Rule {
    code: "PC0210",
    why: "a part that cannot be found cannot be enforced, and reading a contract never fetches",
    fix: "bundle the contract into one file with references of the form `#/components/…`",
};

/// A part of the document and the pointer that it really stands at.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) value: &'a Value,
    pub(crate) pointer: String,
}

/// Follows references from the part at `pointer` until there is none.
pub(crate) fn resolve<'a>(
    document: &'a Value,
    pointer: &str,
    report: &mut Report<'_>,
) -> Option<Part<'a>> {
    let mut part = Part { value: document.pointer(pointer)?, pointer: pointer.to_owned() };
    for _ in 0..CHAIN_MAX {
        let Some(reference) = part.value.get("$ref") else { return Some(part) };
        let target = reference.as_str().and_then(local);
        let value = target.as_deref().and_then(|target| document.pointer(target));
        let (Some(target), Some(value)) = (target, value) else {
            report.error(UNRESOLVED, &part.pointer, unresolved(reference));
            return None;
        };
        part = Part { value, pointer: target };
    }
    report.error(UNRESOLVED, pointer, "the reference leads in a circle");
    None
}

/// Says an error for every reference below `pointer` that leads nowhere.
pub(crate) fn check(document: &Value, report: &mut Report<'_>) {
    walk(document, document, &mut String::new(), report);
}

/// Escapes a key for use in a JSON pointer (RFC 6901 section 3).
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn walk(document: &Value, value: &Value, pointer: &mut String, report: &mut Report<'_>) {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                pointer.push('/');
                pointer.push_str(&escape(key));
                if key == "$ref" && member.is_string() {
                    let target = member.as_str().and_then(local);
                    if target.and_then(|target| document.pointer(&target)).is_none() {
                        report.error(UNRESOLVED, pointer, unresolved(member));
                    }
                } else {
                    walk(document, member, pointer, report);
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                walk(document, item, pointer, report);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// The JSON pointer of a local reference: `#/…` with percent escapes removed.
fn local(reference: &str) -> Option<String> {
    let fragment = reference.strip_prefix('#')?;
    if !fragment.starts_with('/') {
        return None;
    }
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn unresolved(reference: &Value) -> String {
    let shown = reference.as_str().unwrap_or("(not a text)");
    if shown.starts_with("#/") {
        let missing = place::steps(shown).last().unwrap_or_default();
        format!("reference `{shown}` leads nowhere: there is no `{missing}`")
    } else {
        format!("reference `{shown}` leads out of this document")
    }
}
