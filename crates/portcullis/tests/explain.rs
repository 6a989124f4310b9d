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

#[test]
fn a_finding_code_has_its_page_and_a_near_one_is_suggested() {
    let known = explain("PC0101");
    assert!(known.status.success());
    let text = String::from_utf8(known.stdout).unwrap();
    assert!(text.starts_with("PC0101 (error): an unknown key\n"), "{text}");
    for words in ["why: ", "fix: ", "wrong, in portcullis.yaml:\n  upstrems:", "  upstreams:"] {
        assert!(text.contains(words), "{words} is missing in:\n{text}");
    }
    assert_eq!(explain("pc0101").stdout, text.as_bytes());
    for (wrong, said) in [
        ("PC01001", "there is no finding code `PC01001`; did you mean `PC0100`?"),
        ("PC777777", "there is no finding code `PC777777`; known are:\n  PC0100\n  PC0101"),
        (
            "authorize.forbiden",
            "there is no reason `authorize.forbiden`; did you mean `authorize.forbidden`?",
        ),
    ] {
        let unknown = explain(wrong);
        assert_eq!(unknown.status.code(), Some(2));
        let text = String::from_utf8(unknown.stderr).unwrap();
        assert!(text.contains(said), "{text}");
    }
}
