//! Which module of a crate imports which? Read from the paths that a file names outside tests:
//! `crate::…`, `super::…`, and those that begin with a child of its own. Declaring a child is no
//! import; naming something of it is. Names that a module passes on (`pub use`) lead to where
//! they come from. The crate's root counts as a module too.

mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

pub(super) use paths::code;

/// Module → modules that it imports. The root is called `crate`.
pub(crate) type Edges = BTreeMap<String, BTreeSet<String>>;

/// A path from the root on, such as `["http1", "head"]`.
type Steps = Vec<String>;

/// Reads the edges of a crate.
pub(crate) fn edges(src: &Path, files: &[PathBuf]) -> Result<Edges> {
    let mut named: BTreeMap<Steps, Vec<Steps>> = BTreeMap::new();
    for file in files {
        let from = steps(src, file);
        if from.last().is_some_and(|last| last == "tests") {
            continue;
        }
        let paths = paths::named(&fs::read_to_string(file)?, &from);
        named.entry(from).or_default().extend(paths);
    }
    Ok(between(&named))
}

/// Edges between modules, given the absolute paths that each names.
fn between(named: &BTreeMap<Steps, Vec<Steps>>) -> Edges {
    let mut edges = Edges::new();
    for (from, paths) in named {
        for path in paths {
            let to = target(path, named);
            if to != *from {
                edges.entry(shown(from)).or_default().insert(shown(&to));
            }
        }
    }
    edges
}

/// The module that a path leads to: the longest that it begins with, and from there to where the
/// next name comes from, if the module only passes it on.
fn target(path: &[String], named: &BTreeMap<Steps, Vec<Steps>>) -> Steps {
    let module = (0..=path.len())
        .rev()
        .filter_map(|length| path.get(..length))
        .find(|start| named.contains_key(*start))
        .unwrap_or_default();
    let origin = path.get(module.len()).and_then(|name| {
        let paths = named.get(module)?;
        let passed = |one: &&Steps| {
            one.last() == Some(name) && one.len() > module.len() + 1 && one.starts_with(module)
        };
        paths.iter().find(passed)
    });
    match origin {
        Some(origin) => target(origin, named),
        None => module.to_vec(),
    }
}

fn shown(steps: &[String]) -> String {
    if steps.is_empty() { "crate".to_owned() } else { steps.join("::") }
}

fn steps(src: &Path, file: &Path) -> Steps {
    let relative = file.strip_prefix(src).unwrap_or(file).with_extension("");
    let steps: Steps = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if ["lib", "main"].map(|root| vec![root.to_owned()]).contains(&steps) {
        Steps::new()
    } else {
        steps
    }
}

/// Cycles, each as text; empty when there are none.
pub(crate) fn cycles(edges: &Edges) -> Vec<String> {
    let mut found = Vec::new();
    for start in edges.keys() {
        let mut seen = BTreeSet::new();
        let mut open: Vec<(&String, String)> = nexts(edges, start, start);
        while let Some((module, way)) = open.pop() {
            if module == start {
                found.push(format!("`{start}` reaches itself: {way}"));
                break;
            }
            if seen.insert(module) {
                open.extend(nexts(edges, module, &way));
            }
        }
    }
    found
}

fn nexts<'a>(edges: &'a Edges, module: &str, way: &str) -> Vec<(&'a String, String)> {
    let next = edges.get(module).into_iter().flatten();
    next.map(|next| (next, format!("{way} → {next}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Edges, Steps, between, cycles, paths};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn finds_a_cycle_and_only_a_cycle() {
        let mut edges = Edges::new();
        edges.insert("a".into(), BTreeSet::from(["b".into()]));
        edges.insert("b".into(), BTreeSet::from(["c".into()]));
        assert!(cycles(&edges).is_empty());
        edges.insert("c".into(), BTreeSet::from(["a".into()]));
        assert_eq!(cycles(&edges).len(), 3);
    }

    fn graph(files: &[(&str, &str)]) -> Edges {
        let split =
            |module: &str| -> Steps { module.split_terminator("::").map(str::to_owned).collect() };
        let named: BTreeMap<Steps, Vec<Steps>> = files
            .iter()
            .map(|(module, text)| (split(module), paths::named(text, &split(module))))
            .collect();
        between(&named)
    }

    #[test]
    fn a_child_that_imports_its_parent_back_is_a_cycle() {
        let parent = ("http1", "mod head;\nuse head::check;\npub struct Bounds;\n");
        let edges = graph(&[parent, ("http1::head", "use super::{Bounds, malformed};\n")]);
        assert_eq!(cycles(&edges).len(), 2, "{edges:?}");
        let sibling = ("http1::head", "use super::bounds::Bounds;\n");
        let edges = graph(&[parent, sibling, ("http1::bounds", "pub struct Bounds;\n")]);
        assert!(cycles(&edges).is_empty(), "{edges:?}");
    }

    #[test]
    fn a_name_that_is_passed_on_leads_to_where_it_comes_from() {
        let edges = graph(&[
            ("", "mod source;\nmod finding;\npub use source::{Sources, Span};\n"),
            ("source", "pub struct Span;\n"),
            ("finding", "use crate::Span;\n"),
        ]);
        assert!(edges["finding"].contains("source"), "{edges:?}");
        assert!(cycles(&edges).is_empty(), "{edges:?}");
    }
}
