//! What do the tables in the sources say, as pages to read? `docs/reference` is made here from
//! finding codes, reasons, the command line and the schemas that it prints.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use portcullis_diagnostics::codes::{self, Example, Page};
use portcullis_model::reason::Challenge;
use portcullis_model::{Reason, Stage};
use portcullis_testkit::manual;

/// Writes every page of `docs/reference` that is made from the sources.
pub(crate) fn run() -> Result<()> {
    crate::cargo(&["build", "-p", "portcullis"])?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root("target"), PathBuf::from);
    let binary = target.join("debug/portcullis");
    let schema = |of: &str| -> Result<String> {
        let printed = Command::new(&binary).args(["schema", of]).output()?;
        Ok(String::from_utf8_lossy(&printed.stdout).into_owned())
    };
    let made = [
        ("command-line.md", manual::page(&binary)),
        ("portcullis.schema.json", schema("declaration")?),
        ("overlay.schema.json", schema("overlay")?),
    ];
    for (name, text) in pages().into_iter().chain(made) {
        let path = root("docs/reference").join(name);
        fs::write(&path, text).with_context(|| format!("`{}`", path.display()))?;
        println!("wrote docs/reference/{name}");
    }
    Ok(())
}

/// Pages that need nothing but the tables.
fn pages() -> [(&'static str, String); 2] {
    [("findings.md", findings()), ("reasons.md", reasons())]
}

fn root(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(below)
}

fn findings() -> String {
    let mut page = "# Findings\n\n\
        Made by `cargo xtask docs` from the table in `crates/diagnostics`; do not edit.\n\n\
        `portcullis check` says everything that is wrong with an estate; each finding has one of \
        these codes. An error keeps the estate from being loaded, a warning does not. \
        `portcullis explain PC0101` prints a page. The examples are places of `examples/shop`.\n"
        .to_owned();
    for chapter in codes::ALL {
        let _infallible =
            write!(page, "\n## {}\n\n| code | severity | |\n|---|---|---|\n", chapter.title);
        for one in chapter.pages {
            let anchor = one.code.to_ascii_lowercase();
            let (code, severity, title) = (one.code, one.severity(), one.title);
            let _infallible = writeln!(page, "| [{code}](#{anchor}) | {severity} | {title} |");
        }
        for one in chapter.pages {
            finding(one, &mut page);
        }
    }
    page
}

fn finding(one: &Page, page: &mut String) {
    let _infallible = write!(
        page,
        "\n### {}\n\n**{}** ({})\n\n{}\n\n*Why:* {}\n\n*Fix:* {}\n",
        one.code,
        one.title,
        one.severity(),
        one.means,
        one.matters,
        one.mend
    );
    if let Some(Example { file, wrong, right }) = one.example {
        let language = if file.ends_with(".yaml") { "yaml" } else { "text" };
        for (word, text) in [("Wrong", wrong), ("Right", right)] {
            let _infallible =
                write!(page, "\n{word}, in `{file}`:\n\n```{language}\n{text}\n```\n");
        }
    }
}

fn reasons() -> String {
    let mut page = "# Reasons\n\n\
        Made by `cargo xtask docs` from the table in `crates/model`; do not edit.\n\n\
        Why a crossing was refused, in the order of the stages. The client is told the title and \
        the code; records have the code, and for refusals up to the decision the metric \
        `portcullis_denied_total` has it as its label `reason`. `portcullis explain authorize.forbidden` prints an entry.\n"
        .to_owned();
    let mut stage = None;
    for reason in Reason::ALL {
        let entry = reason.entry();
        if stage.replace(entry.stage) != Some(entry.stage) {
            let _infallible = write!(page, "\n## {}\n", entry.stage);
        }
        let (code, status, title) = (entry.code, entry.status, entry.title);
        let told = if entry.stage == Stage::Reply {
            "nothing; its answer had begun, or nobody reads it"
        } else {
            title
        };
        let _infallible =
            write!(page, "\n### {code}\n\n- HTTP status: {status}\n- the client is told: {told}\n");
        if let Some(value) = entry.challenge.value() {
            let scopes = if entry.challenge == Challenge::InsufficientScope {
                ", scope=\"…\""
            } else {
                ""
            };
            let _infallible = writeln!(page, "- `WWW-Authenticate`: `{value}{scopes}`");
        }
        let mut counted = format!("`portcullis_denied_total{{reason=\"{}\"}}`", entry.code);
        if matches!(entry.stage, Stage::Forward | Stage::Reply) {
            counted.push_str("; the decision before it counts as allowed");
        }
        let _infallible = write!(page, "- metric: {counted}\n\n{}\n", entry.meaning);
    }
    page
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_pages_are_what_the_tables_say() {
        for (name, text) in super::pages() {
            let path = super::root("docs/reference").join(name);
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == text, "docs/reference/{name} is stale: run `cargo xtask docs`");
        }
    }
}
