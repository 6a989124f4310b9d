//! What does the command line say of itself? The help of every verb, as one page of Markdown.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The page that `docs/reference/command-line.md` must be.
#[must_use]
pub fn page(binary: &Path) -> String {
    let mut page = "# Command line\n\nMade by `cargo xtask docs` from the program itself; do not edit. \
                    Exit codes: 0 done, 1 something was refused or differs, 2 wrong input or could not run, 4 nobody answers.\n"
        .to_owned();
    verb(binary, &[], &mut page);
    page
}

fn verb(binary: &Path, verbs: &[&str], page: &mut String) {
    let output = Command::new(binary).args(verbs).arg("-h").output().expect("the binary runs");
    let help = String::from_utf8(output.stdout).expect("help is UTF-8");
    let name = ["portcullis"].iter().chain(verbs).copied().collect::<Vec<_>>().join(" ");
    let help: Vec<&str> = help.trim().lines().map(str::trim_end).collect();
    let _infallible = write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n"));
    let listed = help.iter().skip_while(|line| **line != "Commands:").skip(1);
    for line in listed.take_while(|line| !line.is_empty()) {
        let Some(below) = line.split_whitespace().next().filter(|word| *word != "help") else {
            continue;
        };
        let verbs: Vec<&str> = verbs.iter().copied().chain([below]).collect();
        verb(binary, &verbs, page);
    }
}
