//! Can what the guides to proofs declare be enforced? Each section that a guide shows is put into the
//! shop in place of its own.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;

use portcullis_runtime::estate::{self, Site};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The texts of the guide's YAML.
fn blocks(guide: &str) -> Vec<String> {
    let text = std::fs::read_to_string(format!("{ROOT}/docs/guide/{guide}.md")).unwrap();
    let parts = text.split("```yaml\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

/// Whether it begins a section or stands outside of any.
fn is_top(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_lowercase())
}

/// The sections of a text, each with its name.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if is_top(line) {
            sections.push((line.split(':').next().unwrap().to_owned(), String::new()));
        }
        if let Some((_, section)) = sections.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

/// The sections of the shop's declaration, with those of the guide in their place; what a guide shows
/// of the boundaries stands beside the other ones.
fn declared(guide: &str) -> String {
    let shop = std::fs::read_to_string(format!("{ROOT}/examples/shop/portcullis.yaml")).unwrap();
    let mut whole = sections(&shop);
    for (name, section) in blocks(guide).iter().flat_map(|block| sections(block)) {
        let (_, standing) = whole.iter_mut().find(|(known, _)| *known == name).unwrap();
        if name == "boundaries" {
            let shown = section.lines().nth(1).unwrap();
            let others: String = standing
                .split_inclusive('\n')
                .scan(false, |skips, line| {
                    let begins = line.starts_with("  ") && !line.starts_with("   ");
                    *skips = if begins { line.trim_end() == shown } else { *skips };
                    Some(if *skips { "" } else { line })
                })
                .collect();
            let (_, own) = section.split_once('\n').unwrap();
            *standing = others + own;
        } else {
            *standing = section;
        }
    }
    whole.into_iter().map(|(_, section)| section).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_the_guides_declare_can_be_enforced() {
    for (guide, count) in [("dpop", 2), ("signatures", 2), ("webhooks", 1)] {
        assert_eq!(blocks(guide).len(), count, "{guide}");
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(ROOT).join("examples/shop"), folder.path());
        let text = declared(guide);
        std::fs::write(folder.path().join("portcullis.yaml"), &text).unwrap();
        let found = estate::load(&Site::plain(folder.path()));
        let errors: Vec<_> = found.findings.iter().map(|one| (one.code, &one.message)).collect();
        assert!(found.value.is_some() && errors.is_empty(), "{guide}: {errors:#?}\n{text}");
    }
}
