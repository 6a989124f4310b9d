//! Does `--overlay` reach every verb that reads an estate, and only those?

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;
use std::process::Command;

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");

/// Exit code and everything that was said.
fn portcullis(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn shop(arguments: &[&str]) -> (Option<i32>, String) {
    portcullis(Path::new(SHOP), arguments)
}

#[test]
fn the_overlay_is_checked_and_has_a_revision_of_its_own() {
    let (code, plain) = shop(&["check"]);
    assert_eq!(code, Some(0), "{plain}");
    let (code, staging) = shop(&["check", "--overlay", "staging"]);
    assert_eq!(code, Some(0), "{staging}");
    assert!(staging.contains("estate `shop-staging`: 7 operations, 1 boundaries"), "{staging}");
    let revision = |said: &str| said.trim().rsplit(' ').next().unwrap().to_owned();
    assert_ne!(revision(&plain), revision(&staging));
}

/// What a supplier asks, as `simulate` reads it.
const SUPPLIER: &str = "
- listener: partner
  method: GET
  host: stock.shop.example
  path: /stock/v1/items/ABC-0001
  as: {kind: api_key, provider: partner-keys, subject: x, tenant: t, scopes: [\"stock:read\"]}
  expect: allow
";

#[test]
fn requests_are_decided_with_the_overlay() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SUPPLIER).unwrap();
    let file = file.path().to_str().unwrap();
    let (code, said) = shop(&["simulate", file]);
    assert_eq!(code, Some(0), "{said}");
    // suppliers do not come to staging
    let (code, said) = shop(&["--overlay", "staging", "simulate", file]);
    assert_ne!(code, Some(0), "{said}");
}

#[test]
fn an_overlay_that_is_missing_or_has_no_effect_is_an_error() {
    let (code, said) = shop(&["check", "--overlay", "stagign"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("PC0510") && said.contains("did you mean `staging`?"), "{said}");
    for name in ["../staging", "", "a/b", "A"] {
        let (code, said) = shop(&["check", "--overlay", name]);
        assert_eq!(code, Some(2));
        assert!(said.contains("a name has up to 63"), "{said}");
    }
    let (code, said) = shop(&["schema", "--overlay", "staging"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("`--overlay` has no effect"), "{said}");
    let (code, said) = shop(&["check", "--overlay", "staging", "--overlay", "staging"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("not laid over overlays"), "{said}");
}

#[test]
fn the_committed_schema_of_overlays_is_the_one_that_is_printed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/overlay.schema.json");
    let (_, printed) = shop(&["schema", "overlay"]);
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(committed, printed, "run `portcullis schema overlay > {path}`");
}
