//! Do shells take the completions, and readers of manual pages the pages? Held against the shells and
//! mandoc themselves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::path::Path;
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_portcullis");

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{program} is needed (`cargo xtask test`): {error}"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// What a shell prints about the completions of `portcullis`, in a file of its own.
fn completed(shell: &str, script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("_portcullis");
    let text = run(BINARY, &["completions", shell]);
    assert!(text.status.success(), "{}", said(&text));
    std::fs::write(&file, text.stdout).unwrap();
    let output = run(shell, &["-c", &script.replace("FILE", file.to_str().unwrap())]);
    assert!(output.status.success(), "{shell}: {}", said(&output));
    said(&output)
}

#[test]
fn bash_completes_verbs_options_and_values() {
    let complete = |words: &str| {
        let script = format!(
            "source FILE; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _portcullis portcullis \"${{COMP_WORDS[COMP_CWORD]}}\" x; echo \"${{COMPREPLY[@]}}\""
        );
        completed("bash", &script)
    };
    assert_eq!(complete("portcullis che").trim(), "check");
    assert_eq!(complete("portcullis check --ov").trim(), "--overlay");
    assert_eq!(complete("portcullis completions z").trim(), "zsh");
    assert!(complete("portcullis run --").contains("--workers"));
}

#[test]
fn zsh_and_fish_take_theirs() {
    let zsh = completed(
        "zsh",
        "zsh -n FILE && autoload -U compinit && compinit -u -D && source FILE && whence -w _portcullis",
    );
    assert!(zsh.contains("_portcullis: function"), "{zsh}");
    let fish = completed("fish", "source FILE; complete -C 'portcullis che'");
    assert!(fish.starts_with("check\t"), "{fish}");
}

#[test]
fn every_verb_has_a_manual_page_that_mandoc_takes() {
    let folder = tempfile::tempdir().unwrap();
    let written = run(BINARY, &["man", folder.path().to_str().unwrap()]);
    assert!(written.status.success(), "{}", said(&written));
    for page in ["portcullis.1", "portcullis-run.1", "portcullis-key-new.1", "portcullis-diff.1"] {
        let path = folder.path().join(page);
        assert!(path.exists(), "{page}: {}", said(&written));
        lint(&path);
        let shown = run("mandoc", &["-T", "html", path.to_str().unwrap()]);
        assert!(said(&shown).contains("SYNOPSIS"), "{page}: {}", said(&shown));
    }
}

/// Nothing that mandoc calls an error.
fn lint(path: &Path) {
    let lint = run("mandoc", &["-T", "lint", "-W", "error", path.to_str().unwrap()]);
    assert!(lint.status.success(), "{}", said(&lint));
}
