//! Which module of a crate imports which? Read from `crate::…` paths outside tests; what a file
//! says about its own children does not count, what children import from their parent does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Module → modules that it imports.
pub(crate) type Edges = BTreeMap<String, BTreeSet<String>>;

/// Reads the edges of a crate.
pub(crate) fn edges(src: &Path, files: &[PathBuf]) -> Result<Edges> {
    let names: BTreeSet<String> = files.iter().map(|file| name(src, file)).collect();
    let mut edges = Edges::new();
    for file in files {
        let from = name(src, file);
        if from.is_empty() || from.ends_with("tests") {
            continue;
        }
        let text = fs::read_to_string(file)?;
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for path in imports(code) {
            if let Some(to) = resolve(&path, &names)
                && to != from
            {
                edges.entry(from.clone()).or_default().insert(to);
            }
        }
    }
    Ok(edges)
}

/// Cycles, each as text; empty when there are none.
pub(crate) fn cycles(edges: &Edges) -> Vec<String> {
    let mut found = Vec::new();
    for start in edges.keys() {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = edges.get(start).into_iter().flatten().collect();
        while let Some(module) = open.pop() {
            if module == start {
                found.push(format!("`{start}` reaches itself"));
                break;
            }
            if seen.insert(module) {
                open.extend(edges.get(module).into_iter().flatten());
            }
        }
    }
    found
}

fn name(src: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(src).unwrap_or(file).with_extension("");
    let parts: Vec<String> =
        relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let text = parts.join("::");
    if text == "lib" || text == "main" { String::new() } else { text }
}

fn imports(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = line.get(at.saturating_add(7)..).unwrap_or_default();
            let path: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == ':')
                .collect();
            paths.push(path);
        }
    }
    paths
}

/// The longest module that the path begins with.
fn resolve(path: &str, names: &BTreeSet<String>) -> Option<String> {
    let parts: Vec<&str> = path.split("::").collect();
    (1..=parts.len())
        .rev()
        .filter_map(|length| parts.get(..length).map(|parts| parts.join("::")))
        .find(|candidate| names.contains(candidate))
}

#[cfg(test)]
mod tests {
    use super::{Edges, cycles};
    use std::collections::BTreeSet;

    #[test]
    fn finds_a_cycle_and_only_a_cycle() {
        let mut edges = Edges::new();
        edges.insert("a".into(), BTreeSet::from(["b".into()]));
        edges.insert("b".into(), BTreeSet::from(["c".into()]));
        assert!(cycles(&edges).is_empty());
        edges.insert("c".into(), BTreeSet::from(["a".into()]));
        assert_eq!(cycles(&edges).len(), 3);
    }
}
