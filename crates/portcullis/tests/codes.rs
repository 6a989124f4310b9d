//! Are the pages of finding codes true? Each code that the sources use has its page and the other
//! way round; each example, put into the shop, gives the finding that it is shown for.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::path::Path;

use portcullis_diagnostics::{Finding, codes};
use portcullis_runtime::estate::{self, Site};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Every file below the folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Codes in quotes in the sources of all crates, without the table itself and without tests.
fn used() -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for folder in std::fs::read_dir(Path::new(ROOT).join("crates")).unwrap() {
        for file in files(&folder.unwrap().path().join("src")) {
            let shown = file.display().to_string();
            if shown.contains("diagnostics/src/codes") || shown.ends_with("tests.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            for (at, _) in text.match_indices("\"PC") {
                let code = text.get(at + 1..at + 7).unwrap_or_default();
                let digits = code.bytes().filter(u8::is_ascii_digit).count();
                if digits == 4 && text.get(at + 7..).is_some_and(|rest| rest.starts_with('"')) {
                    used.insert(code.to_owned());
                }
            }
        }
    }
    used
}

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let pages: BTreeSet<String> = codes::pages().map(|page| page.code.to_owned()).collect();
    let used = used();
    assert!(used.len() > 60, "{used:?}");
    let lacking: Vec<_> = used.difference(&pages).collect();
    assert!(lacking.is_empty(), "no page in crates/diagnostics/src/codes for {lacking:?}");
    let idle: Vec<_> = pages.difference(&used).collect();
    assert!(idle.is_empty(), "pages of codes that nothing uses: {idle:?}");
}

/// The shop, with one place written otherwise.
fn shop(file: &str, from: &str, to: &str) -> Vec<Finding> {
    changed(&[(file, from, to)])
}

/// The shop, with several places written otherwise.
fn changed(changes: &[(&str, &str, &str)]) -> Vec<Finding> {
    // an overlay is read where one of its places is meant
    let overlay = changes.iter().find_map(|(file, ..)| {
        file.strip_prefix("overlays/").and_then(|name| name.strip_suffix(".yaml"))
    });
    let shop = Path::new(ROOT).join("examples/shop");
    let folder = tempfile::tempdir().unwrap();
    for path in files(&shop) {
        let name = path.strip_prefix(&shop).unwrap();
        let target = folder.path().join(name);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (file, from, to) in changes.iter().filter(|(file, ..)| name == Path::new(file)) {
            assert!(text.contains(from), "the shop's {file} does not have\n{from}");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(target, text).unwrap();
    }
    estate::load(&Site::plain(folder.path()).with(overlay)).findings
}

#[test]
fn every_example_gives_its_finding_and_the_right_form_does_not() {
    assert!(shop("portcullis.yaml", "", "").is_empty(), "the shop is without findings");
    let mut wrong = Vec::new();
    for page in codes::pages() {
        let Some(example) = page.example else { continue };
        let found = shop(example.file, example.right, example.wrong);
        let same: Vec<_> = found.iter().filter(|one| one.code == page.code).collect();
        if same.is_empty() {
            wrong.push(format!("{}: {found:#?}", page.code));
        }
        let known = same.iter().all(|one| page.severities.contains(&one.severity));
        assert!(known, "{} has another severity than its page says", page.code);
    }
    assert!(wrong.is_empty(), "examples without their finding:\n{}", wrong.join("\n"));
}

#[test]
fn errors_of_one_file_hide_none_of_another() {
    let broken = [
        ("portcullis.yaml", "    audit: required", "    audti: required"),
        ("portcullis.yaml", "clock_skew: 30s", "clock_skew: 30"),
        ("portcullis.yaml", "contract: contracts/stock.yaml", "contract: contracts/stokc.yaml"),
        ("contracts/orders.yaml", "openapi: 3", "openapi: 2"),
        ("policies/orders.cedar", "permit", "pemrit"),
    ];
    let found = changed(&broken);
    let codes: Vec<_> = found.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["PC0104", "PC0101", "PC0504", "PC0240", "PC0301", "PC0306"], "{found:#?}");
    assert!(found.iter().take(5).all(Finding::is_error));
    // one broken contract leaves nothing to say about policies but their texts
    let found = changed(&broken[3..]);
    let codes: Vec<_> = found.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["PC0240", "PC0301", "PC0306"], "{found:#?}");
}
