//! Whose code stands in the tree? Every crate that cargo would build, held to the licences, bans
//! and sources of `deny.toml`. Advisories need a network and are left to cargo-deny.

mod licence;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What `deny.toml` says, as far as it is enforced here.
struct Rules {
    licences: Vec<String>,
    bans: Vec<Ban>,
}

/// A crate that may not stand in the tree.
struct Ban {
    name: String,
    /// Only versions below this one.
    below: Option<Vec<u64>>,
    /// Only as a dependency of these.
    wrappers: bool,
}

/// A crate of the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
    /// From the public registry, or one of ours.
    known_source: bool,
}

/// Checks the tree and prints what was measured.
pub(crate) fn run() -> Result<()> {
    let tree = tree()?;
    let mut by_licence: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &tree {
        let count = by_licence.entry(&package.licence).or_default();
        *count = count.saturating_add(1);
    }
    for (licence, count) in by_licence {
        println!("{count:>4} {licence}");
    }
    let problems = problems(&tree, &rules(&fs::read_to_string(root().join("deny.toml"))?));
    if problems.is_empty() {
        println!("{} crates: no problem found", tree.len());
        return Ok(());
    }
    for problem in &problems {
        println!("problem: {problem}");
    }
    bail!("{} problem(s)", problems.len())
}

fn problems(tree: &BTreeSet<Package>, rules: &Rules) -> Vec<String> {
    let mut problems = Vec::new();
    for package in tree {
        let Package { name, version, licence, known_source } = package;
        if !licence::fits(licence, &rules.licences) {
            problems.push(format!("{name} {version}: licence `{licence}` is not allowed"));
        }
        if !known_source {
            problems.push(format!("{name} {version}: not from the public registry"));
        }
        let number = numbers(version);
        let banned = rules.bans.iter().find(|ban| {
            ban.name == *name
                && !ban.wrappers
                && ban.below.as_ref().is_none_or(|below| number < *below)
        });
        if banned.is_some() {
            problems.push(format!("{name} {version}: deny.toml bans it"));
        }
    }
    problems
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every crate of the tree, for all targets, with all features.
fn tree() -> Result<BTreeSet<Package>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--workspace", "--all-features", "--target", "all", "--edges", "all"])
        .args(["--prefix", "none", "--format", "{p}|{l}"])
        .output()
        .context("cargo tree cannot be started")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    // what was shown before is marked, and need not be read again
    Ok(text.lines().filter(|line| !line.ends_with("(*)")).filter_map(package).collect())
}

/// Reads `name v1.2.3 (where)|licence`; only what is not from the public registry says where.
fn package(line: &str) -> Option<Package> {
    let (package, licence) = line.split_once('|')?;
    let mut words = package.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next()?.trim_start_matches('v').to_owned();
    let place: Vec<&str> = words.filter(|word| *word != "(proc-macro)").collect();
    let ours = name == "xtask" || name.starts_with("portcullis");
    Some(Package {
        known_source: place.is_empty() || ours,
        licence: licence.trim().to_owned(),
        name,
        version,
    })
}

fn rules(text: &str) -> Rules {
    let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let listed = text.lines().skip_while(|line| *line != "allow = [").skip(1);
    let licences = listed.take_while(|line| *line != "]").map(quoted).collect();
    let bans =
        text.lines().filter(|line| line.trim_start().starts_with("{ crate = ")).map(|line| {
            let spec = quoted(line);
            let (name, below) = match spec.split_once(":<") {
                Some((name, below)) => (name.to_owned(), Some(numbers(below))),
                None => (spec, None),
            };
            Ban { name, below, wrappers: line.contains("wrappers") }
        });
    Rules { licences, bans: bans.collect() }
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::{package, problems, rules};
    use std::collections::BTreeSet;

    #[test]
    fn the_tree_is_what_deny_toml_allows() {
        let text = std::fs::read_to_string(super::root().join("deny.toml")).unwrap();
        let (tree, rules) = (super::tree().unwrap(), rules(&text));
        assert!(tree.len() > 100 && rules.licences.len() > 5 && rules.bans.len() > 10);
        let problems = problems(&tree, &rules);
        assert!(problems.is_empty(), "{problems:#?}");
    }

    #[test]
    fn licences_bans_and_sources_are_noticed() {
        let text = "allow = [\n    \"MIT\",\n]\n    { crate = \"openssl\" },\n    \
                    { crate = \"h2:<0.4.16\" },\n    { crate = \"w\", wrappers = [\"x\"] },\n";
        let rules = rules(text);
        for (line, expected) in [
            ("bytes v1.2.3|MIT", 0),
            ("serde_derive v1.2.3 (proc-macro)|MIT", 0),
            ("bytes v1.2.3|", 1),
            ("bytes v1.2.3|GPL-3.0", 1),
            ("openssl v0.10.0|MIT", 1),
            ("h2 v0.4.15|MIT", 1),
            ("h2 v0.4.16|MIT", 0),
            ("h2 v0.10.0|MIT", 0),
            ("w v1.0.0|MIT", 0),
            ("bytes v1.2.3 (https://elsewhere.example/bytes#0123)|MIT", 1),
        ] {
            let tree = BTreeSet::from([package(line).unwrap()]);
            assert_eq!(problems(&tree, &rules).len(), expected, "{line}");
        }
    }
}
