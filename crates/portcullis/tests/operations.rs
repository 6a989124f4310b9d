//! Are the commands of docs/operations.md true? Every block that says so is run, in order, in a folder
//! of its own, with the real binary.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../../docs/operations.md");
const BINARY: &str = env!("CARGO_BIN_EXE_portcullis");

/// The blocks that are run.
fn script() -> (usize, String) {
    let blocks: Vec<&str> =
        PAGE.split("```sh test\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    (blocks.len(), format!("set -eu\n{}", blocks.join("\n")))
}

#[test]
fn what_the_page_shows_works() {
    let folder = tempfile::tempdir().unwrap();
    let (blocks, script) = script();
    assert!(blocks >= 8, "{blocks} blocks");
    let path = std::env::var("PATH").unwrap();
    let binaries = Path::new(BINARY).parent().unwrap().display();
    let output = Command::new("timeout")
        .args(["120", "bash", "-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{binaries}:{path}"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{}: {said}", output.status);
    assert!(said.contains("another process serves now"), "{said}");
    assert!(folder.path().join("secrets.tar").exists());
    let exits = ["| 0 | done", "| 1 | done", "| 2 | wrong input", "| 4 | nobody answers"];
    assert!(exits.iter().all(|exit| PAGE.contains(exit)));
}
