//! Which edges of a manifest are edges of nothing? A dependency that the crate's code never names
//! draws a line in the picture that is not there, and lets code in that nobody asked for. One that
//! only tests name belongs to `[dev-dependencies]`. A reading of the text: a crate counts as named
//! where its name stands as a word outside comments.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::modules::code;

/// Packages whose library has another name.
const NAMED_OTHERWISE: &[(&str, &str)] = &[("rustls-webpki", "webpki")];

/// A dependency of a manifest.
pub(super) struct Edge {
    /// The package, by the name that the manifest gives it.
    pub(super) name: String,
    /// Whether only tests have it.
    pub(super) dev: bool,
}

/// What of a crate's dependencies nothing names.
pub(super) fn unused(
    name: &str,
    folder: &Path,
    edges: &[Edge],
    files: impl Fn(&Path) -> Result<Vec<PathBuf>>,
) -> Result<Vec<String>> {
    let (mut lives, mut all) = (String::new(), String::new());
    for part in ["src", "tests", "benches", "examples"] {
        let part_folder = folder.join(part);
        if !part_folder.exists() {
            continue;
        }
        for file in files(&part_folder)? {
            let text = fs::read_to_string(&file)?;
            if part == "src" && file.file_stem().is_none_or(|stem| stem != "tests") {
                lives.push_str(&code(&text));
            }
            all.push_str(&text);
        }
    }
    Ok(edges
        .iter()
        .filter(|edge| !names(if edge.dev { &all } else { &lives }, &edge.name))
        .map(|edge| said(name, edge, &all))
        .collect())
}

fn said(name: &str, edge: &Edge, all: &str) -> String {
    let package = &edge.name;
    match (edge.dev, names(all, package)) {
        (false, true) => format!("{name}: only tests name {package}: it is a dev-dependency"),
        (_, _) => format!("{name}: nothing names {package}, which its manifest depends on"),
    }
}

/// Whether a text names a package's library as a word.
fn names(text: &str, package: &str) -> bool {
    let otherwise = NAMED_OTHERWISE.iter().find(|(known, _)| *known == package);
    let library = otherwise.map_or(package, |(_, library)| library).replace('-', "_");
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(&library).any(|(at, found)| {
        let before = text.get(..at).and_then(|rest| rest.chars().next_back());
        let after = text.get(at.saturating_add(found.len())..).unwrap_or_default();
        // a path, or the whole of a `use`; a module or a field of the same name is none
        !before.is_some_and(|letter| is_name(letter) || matches!(letter, ':' | '.'))
            && ["::", ";", " as "].iter().any(|end| after.starts_with(end))
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_crate_is_named_by_paths_and_uses_only() {
        for text in ["use serde_json::Value;", "serde_json::from_str(x)", "use serde_json as json;"]
        {
            assert!(names(text, "serde-json"), "{text}");
        }
        for text in
            ["my_serde_json::x", "serde_json_x::y", "crate::serde_json::Value", "serde_json.x"]
        {
            assert!(!names(text, "serde-json"), "{text}");
        }
        assert!(names("webpki::Error", "rustls-webpki"));
    }
}
