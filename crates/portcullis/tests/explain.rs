//! `portcullis explain` on the real binary.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::process::{Command, Output};

fn explain(code: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis")).args(["explain", code]).output().unwrap()
}

#[test]
fn a_reason_has_its_page_and_an_unknown_one_is_wrong_input() {
    let known = explain("authorize.tenant_mismatch");
    let text = String::from_utf8(known.stdout).unwrap();
    assert!(known.status.success());
    assert!(text.starts_with("authorize.tenant_mismatch (stage authorize, HTTP 403)"), "{text}");
    let unknown = explain("authorize.nonsense");
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("there is no reason `authorize.nonsense`"), "{said}");
}
