//! What do the readers of JSON, contracts and declarations promise? That another conforming reader
//! finds the same, that a text is accepted whole or refused with findings, and that every finding
//! points into the text.

use portcullis_diagnostics::{Finding, SourceId};
use portcullis_reading::json::{Bounds, Checker, parse};
use serde_json::Value;

/// A contract or declaration that is longer only takes longer.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// What overlays are laid over.
const SHOP: &str = include_str!("../../../../examples/shop/portcullis.yaml");

/// JSON.
pub fn json(bytes: &[u8]) {
    let bounds = Bounds::new(32, 8 * 1024);
    let parsed = parse(bytes, &bounds);
    let mut checker = Checker::new(bounds);
    let fed = bytes.iter().try_for_each(|byte| checker.feed(std::slice::from_ref(byte)));
    let checked = fed.and_then(|()| checker.finish());
    assert_eq!(parsed.as_ref().map(|_| ()).map_err(Clone::clone), checked, "byte by byte");
    let value = match parsed {
        Ok(value) => value,
        Err(error) => return assert!(error.offset <= bytes.len(), "{error}"),
    };
    let other: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(value, other, "another reader finds something else");
    assert!(depth(&value) <= 32);
    let text = value.to_string();
    let wide = Bounds::new(32, text.len());
    assert_eq!(parse(text.as_bytes(), &wide).unwrap(), value, "written and read");
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Contracts (OpenAPI).
pub fn contract(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let source = SourceId::new("contract.yaml");
    let (contract, findings) = portcullis_spec::read(&"api".into(), &source, text);
    judged(contract.is_some(), &findings, text);
    let Some(contract) = contract else { return };
    let model = &contract.model;
    let ids: Vec<&str> = model.operations.iter().map(|one| one.id.as_str()).collect();
    assert!(ids.is_sorted() && ids.windows(2).all(|two| two[0] != two[1]), "{ids:?}");
    let mut places: Vec<String> =
        model.operations.iter().map(|one| format!("{} {:?}", one.method, one.template)).collect();
    let count = places.len();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), count, "two operations are one");
}

/// Declarations.
pub fn declaration(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let source = SourceId::new("portcullis.yaml");
    let (declaration, findings) = portcullis_config::read(&source, text);
    judged(declaration.is_some(), &findings, text);
    let Some(declaration) = declaration else { return };
    for boundary in declaration.boundaries.values() {
        for limit in &boundary.limits {
            assert!(declaration.limits.contains_key(limit), "`{limit}` is not declared");
        }
        for provider in &boundary.identity.providers {
            assert!(declaration.providers.contains_key(provider), "`{provider}` is not declared");
        }
    }
}

/// Overlays of the shop.
pub fn overlay(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (base, over) = (SourceId::new("portcullis.yaml"), SourceId::new("overlays/x.yaml"));
    let (_, findings) = portcullis_config::read_overlaid_as_meant((&base, SHOP), (&over, text));
    for finding in findings {
        let span = finding.span.unwrap();
        let whole = if span.source == base { SHOP } else { text };
        assert!(whole.get(span.start..span.end).is_some(), "{span:?} is beyond the text");
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.len() <= TEXT_BYTES_MAX)
}

/// Accepted without an error, or refused with one; every finding is somewhere.
fn judged(accepted: bool, findings: &[Finding], text: &str) {
    assert_eq!(accepted, !findings.iter().any(Finding::is_error), "{findings:?}");
    for finding in findings {
        assert!(!finding.message.is_empty() && !finding.message.contains('\n'), "{finding:?}");
        if let Some(span) = &finding.span {
            assert!(text.get(span.start..span.end).is_some(), "{finding:?} is beyond the text");
        }
    }
}
