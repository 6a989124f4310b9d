//! The verbs, on the real binary: what a new user types, in order.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::path::Path;
use std::process::{Command, Output};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");

fn portcullis(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_init_writes_passes_check_and_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let init = portcullis(folder.path(), &["init"]);
    assert!(init.status.success(), "{}", out(&init));
    let check = portcullis(folder.path(), &["check"]);
    assert!(out(&check).contains("0 errors, 0 warnings"), "{}", out(&check));
    let ignored = std::fs::read_to_string(folder.path().join(".gitignore")).unwrap();
    assert_eq!(ignored, "/state/\n");
    assert_eq!(portcullis(folder.path(), &["init"]).status.code(), Some(2));
}

#[test]
fn what_could_not_start_leaves_no_socket() {
    let folder = tempfile::tempdir().unwrap();
    portcullis(folder.path(), &["init"]);
    portcullis(folder.path(), &["key", "new", "--provider", "keys", "--holder", "me"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let path = folder.path().join("portcullis.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(text.contains("127.0.0.1:8080"));
    std::fs::write(&path, text.replace("127.0.0.1:8080", &address)).unwrap();
    let run = portcullis(folder.path(), &["run"]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.code() == Some(2) && said.contains("the listeners"), "{said}");
    assert!(!folder.path().join("state/admin.sock").exists());
}

#[test]
fn check_says_every_problem_with_its_place_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    portcullis(folder.path(), &["init"]);
    let path = folder.path().join("portcullis.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("upstreams:", "upstrems:").replace("audit: required", "audit: yes");
    std::fs::write(&path, text).unwrap();
    let check = portcullis(folder.path(), &["check"]);
    let said = out(&check);
    assert_eq!(check.status.code(), Some(2));
    for words in ["error[PC0101]", "did you mean `upstreams`?", "error[PC0104]", "portcullis.yaml:"]
    {
        assert!(said.contains(words), "{words} is missing in:\n{said}");
    }
    let json = portcullis(folder.path(), &["check", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out(&json)).unwrap();
    assert!(json.as_array().unwrap().iter().any(|one| one["code"] == "PC0101"));
    let sarif = portcullis(folder.path(), &["check", "--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&out(&sarif)).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
}

#[test]
fn an_edited_baseline_is_an_error_until_it_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    portcullis(folder.path(), &["init"]);
    let path = folder.path().join("policies/baseline.cedar");
    std::fs::write(&path, "// nothing is forbidden\n").unwrap();
    let check = portcullis(folder.path(), &["check"]);
    assert_eq!(check.status.code(), Some(2));
    assert!(out(&check).contains("PC0305"), "{}", out(&check));
    assert!(portcullis(folder.path(), &["policy", "baseline"]).status.success());
    assert!(portcullis(folder.path(), &["check"]).status.success());
    let schema = portcullis(folder.path(), &["policy", "schema"]);
    assert!(out(&schema).contains("namespace Hello"), "{}", out(&schema));
}

#[test]
fn keys_are_made_listed_and_revoked_and_only_their_hashes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    portcullis(folder.path(), &["init"]);
    let made = portcullis(
        folder.path(),
        &["key", "new", "--provider", "keys", "--holder", "me", "--scope", "hello:read"],
    );
    let key = out(&made).trim().to_owned();
    let id = key.split('_').nth(1).unwrap().to_owned();
    let store = std::fs::read_to_string(folder.path().join("state/keys.json")).unwrap();
    assert!(store.contains(&id) && !store.contains(key.split('_').nth(2).unwrap()));
    let listed = out(&portcullis(folder.path(), &["key", "list", "--provider", "keys"]));
    assert!(listed.contains("hello:read") && listed.contains("revoked -"), "{listed}");
    let revoked = portcullis(folder.path(), &["key", "revoke", "--provider", "keys", &id]);
    assert!(revoked.status.success());
    let listed = out(&portcullis(folder.path(), &["key", "list", "--provider", "keys"]));
    assert!(!listed.contains("revoked -"), "{listed}");
    let unknown = portcullis(folder.path(), &["key", "revoke", "--provider", "keys", "00"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn the_shop_passes_check_and_decides_the_requests_of_its_file() {
    let shop = Path::new(SHOP);
    assert!(portcullis(shop, &["check"]).status.success());
    let requests = shop.join("requests.yaml");
    let simulated = portcullis(shop, &["simulate", requests.to_str().unwrap()]);
    assert!(simulated.status.success(), "{}", out(&simulated));
    assert!(out(&simulated).ends_with("4 of 4 as expected\n"), "{}", out(&simulated));
    let wrong = tempfile::NamedTempFile::new().unwrap();
    let text = std::fs::read_to_string(&requests)
        .unwrap()
        .replace("expect: allow", "expect: authorize.forbidden");
    std::fs::write(wrong.path(), text).unwrap();
    let simulated = portcullis(shop, &["simulate", wrong.path().to_str().unwrap()]);
    assert_eq!(simulated.status.code(), Some(1));
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/portcullis.schema.json");
    let printed = out(&portcullis(Path::new("."), &["schema"]));
    assert_eq!(std::fs::read_to_string(path).unwrap(), printed, "run `portcullis schema > {path}`");
}

#[test]
fn the_committed_command_line_is_the_one_that_is_printed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/command-line.md");
    let printed = portcullis_testkit::manual::page(Path::new(env!("CARGO_BIN_EXE_portcullis")));
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(committed, printed, "run `cargo xtask docs`");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("schema")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_format_without_effect_is_an_error() {
    let refused = portcullis(Path::new(SHOP), &["--format", "json", "explain", "PC0101"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`--format` has no effect"));
}
