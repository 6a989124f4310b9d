//! Is the house still what its plan says? Floors strictly downward, no cycle between the modules
//! of a crate, no dependency that nothing names, `core`'s on an allow-list, an essay at the head of
//! every file. What was measured is drawn as `docs/architecture.svg`.

mod modules;
mod picture;
mod unused;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use picture::Room;
use unused::{Edge, unused};

/// What `core` may depend on: pure crates only.
const CORE_MAY_USE: &[&str] = &[
    "portcullis-model",
    "portcullis-diagnostics",
    "portcullis-reading",
    "portcullis-config",
    "portcullis-spec",
    "portcullis-identity",
    "portcullis-policy",
    "portcullis-limit",
    "portcullis-inspect",
    "aws-lc-rs",
    "bytes",
    "http",
    "ipnet",
    "serde",
    "serde_json",
];

/// Crates that wait, and the lowest floor that may use them.
const WAITING: &[&str] = &["tokio", "hyper", "hyper-util", "tokio-rustls", "rustls"];
const WAITING_FLOOR: u64 = 6;

/// Longest file of code, in lines.
const LINES_MAX: usize = 600;

/// A crate as the manifest has it.
struct Member {
    floor: u64,
    folder: PathBuf,
    question: String,
    dependencies: Vec<String>,
}

/// Where the picture lies, from the root.
const PICTURE: &str = "docs/architecture.svg";

/// Checks everything, prints what was measured, and draws it.
pub(crate) fn run() -> Result<()> {
    let (measured, problems) = inspect()?;
    fs::write(picture_path(), drawn()?).context(PICTURE)?;
    for line in measured {
        println!("{line}");
    }
    if problems.is_empty() {
        println!("the house stands: no problem found");
        return Ok(());
    }
    for problem in &problems {
        println!("problem: {problem}");
    }
    bail!("{} problem(s)", problems.len())
}

fn inspect() -> Result<(Vec<String>, Vec<String>)> {
    let members = members()?;
    let (mut measured, mut problems) = (Vec::new(), Vec::new());
    for package in &packages()? {
        let (name, folder) = (text(package, "name"), folder(package)?);
        problems.extend(unused(name, &folder, &edges(package), files)?);
    }
    for (name, member) in &members {
        floors(name, member, &members, &mut problems);
        let files = files(&member.folder.join("src"))?;
        for file in &files {
            file_habits(file, &mut problems)?;
        }
        let edges = modules::edges(&member.folder.join("src"), &files)?;
        for cycle in modules::cycles(&edges) {
            problems.push(format!("{name}: modules import each other: {cycle}"));
        }
        if member.question.is_empty() {
            problems.push(format!("{name}: its manifest says in no `description` what it answers"));
        }
        if member.floor <= 3 && !member.folder.join("clippy.toml").exists() {
            problems.push(format!("{name}: a pure crate links clippy.toml to clippy-pure.toml"));
        }
        let edges: usize = edges.values().map(std::collections::BTreeSet::len).sum();
        measured.push(format!(
            "floor {} {name}: {} files, {edges} module edges",
            member.floor,
            files.len()
        ));
    }
    measured.sort();
    Ok((measured, problems))
}

/// The picture of the house as it stands.
fn drawn() -> Result<String> {
    let short = |name: &str| name.strip_prefix("portcullis-").unwrap_or(name).to_owned();
    let members = members()?;
    let rooms: Vec<Room> = members
        .iter()
        .map(|(name, member)| Room {
            floor: member.floor,
            name: short(name),
            question: member.question.clone(),
            below: member
                .dependencies
                .iter()
                .filter(|dependency| members.contains_key(*dependency))
                .map(|dependency| short(dependency))
                .collect(),
        })
        .collect();
    Ok(picture::svg(&rooms))
}

fn picture_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PICTURE)
}

/// Every package of the workspace, as cargo tells of it.
fn packages() -> Result<Vec<Value>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cargo metadata cannot be started")?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.get("packages").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn folder(package: &Value) -> Result<PathBuf> {
    let manifest = PathBuf::from(text(package, "manifest_path"));
    Ok(manifest.parent().context("a manifest lies in a folder")?.to_owned())
}

/// What a manifest depends on.
fn edges(package: &Value) -> Vec<Edge> {
    let all = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let edge = |dependency: &Value| {
        let renamed = dependency.get("rename").and_then(Value::as_str);
        let name = renamed.unwrap_or(text(dependency, "name")).to_owned();
        Edge { name, dev: text(dependency, "kind") == "dev" }
    };
    all.map(edge).collect()
}

fn members() -> Result<BTreeMap<String, Member>> {
    let mut members = BTreeMap::new();
    for package in &packages()? {
        let Some(floor) = package.pointer("/metadata/portcullis/floor").and_then(Value::as_u64)
        else {
            continue;
        };
        let name = text(package, "name").to_owned();
        let folder = folder(package)?;
        let question = text(package, "description").to_owned();
        let lasting = edges(package).into_iter().filter(|edge| !edge.dev);
        let dependencies = lasting.map(|edge| edge.name).collect();
        members.insert(name, Member { floor, folder, question, dependencies });
    }
    if members.is_empty() {
        bail!("no crate states its floor");
    }
    Ok(members)
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn floors(
    name: &str,
    member: &Member,
    members: &BTreeMap<String, Member>,
    problems: &mut Vec<String>,
) {
    for dependency in &member.dependencies {
        if let Some(below) = members.get(dependency)
            && below.floor >= member.floor
        {
            problems.push(format!(
                "{name} (floor {}) depends on {dependency} (floor {}): edges go strictly down",
                member.floor, below.floor
            ));
        }
        if member.floor < WAITING_FLOOR && WAITING.contains(&dependency.as_str()) {
            problems.push(format!("{name}: {dependency} only from floor {WAITING_FLOOR} up"));
        }
        if name == "portcullis-core" && !CORE_MAY_USE.contains(&dependency.as_str()) {
            problems.push(format!("{name}: {dependency} is not on core's allow-list"));
        }
    }
}

fn file_habits(file: &Path, problems: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let shown = file.display();
    let is_test = file.file_name().is_some_and(|name| name == "tests.rs");
    if !is_test && !text.lines().take(5).any(|line| line.starts_with("//!")) {
        problems.push(format!("{shown}: no `//!` essay at its head"));
    }
    if text.lines().count() > LINES_MAX {
        problems.push(format!("{shown}: more than {LINES_MAX} lines"));
    }
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if ["mod", "utils", "common", "helpers", "types", "manager"].contains(&stem) {
        problems.push(format!("{shown}: `{stem}` names no question"));
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_stands() {
        let (measured, problems) = super::inspect().unwrap();
        assert!(measured.len() > 3, "{measured:?}");
        assert!(problems.is_empty(), "{problems:#?}");
    }

    #[test]
    fn the_committed_picture_is_of_this_house() {
        let committed = std::fs::read_to_string(super::picture_path()).unwrap_or_default();
        let drawn = super::drawn().unwrap();
        assert!(committed == drawn, "{} is stale: run `cargo xtask arch`", super::PICTURE);
    }
}
