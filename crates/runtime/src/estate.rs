//! What stands in the folder? An estate is one folder: `portcullis.yaml`, the contracts that it
//! names, and its policies. Read here, judged by `core`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use portcullis_core::snapshot::Snapshot;
use portcullis_core::snapshot::compile::{Estate, compile, survey};
use portcullis_diagnostics::{Finding, SourceId, Sources, Span};

use crate::{clock, tls_files, upstreams};

/// Name of the declaration in its folder.
pub const DECLARATION: &str = "portcullis.yaml";

/// Largest file of an estate, in bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What was read, and what was found wrong with it.
#[derive(Debug)]
pub struct Found<T> {
    /// What was read; absent if anything was an error.
    pub value: Option<T>,
    /// Everything that was found, in the order of the files.
    pub findings: Vec<Finding>,
    /// The texts that the findings point into.
    pub sources: Sources,
}

impl<T> Found<T> {
    /// Whether anything stops the load.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }
}

/// Reads the files of an estate.
#[must_use]
pub fn read(folder: &Path) -> Found<Estate> {
    let Found { value, findings, sources } = read_as_meant(folder);
    let value = value.filter(|_| !findings.iter().any(Finding::is_error));
    Found { value, findings, sources }
}

/// Reads and compiles an estate. Errors of the declaration hide none of the contracts, policies and
/// files of TLS.
#[must_use]
pub fn load(folder: &Path) -> Found<Snapshot> {
    let Found { value, mut findings, sources } = read_as_meant(folder);
    let whole = !findings.iter().any(Finding::is_error);
    let value = value.and_then(|estate| {
        let (_, of_files) = tls_files::read(&estate.declaration, folder, clock::now());
        findings.extend(of_files);
        let (snapshot, found) = if whole { compile(estate) } else { (None, survey(&estate)) };
        findings.extend(found);
        snapshot
    });
    let value = value.filter(|_| !findings.iter().any(Finding::is_error));
    Found { value, findings, sources }
}

/// An estate that has errors is the one that was most likely meant.
fn read_as_meant(folder: &Path) -> Found<Estate> {
    let mut found = Found { value: None, findings: Vec::new(), sources: Sources::default() };
    let source = SourceId::new(DECLARATION);
    let text = match read_text(&folder.join(DECLARATION)) {
        Ok(text) => text,
        Err(why) => {
            let path = folder.join(DECLARATION);
            found.findings.push(
                Finding::error("PC0503", format!("`{}`: {why}", path.display()))
                    .why("nothing is enforced that is not declared")
                    .fix("`portcullis init` writes a declaration; `-C DIR` names another folder"),
            );
            return found;
        }
    };
    found.sources.insert(source.clone(), text.as_str());
    let (declaration, findings) = portcullis_config::read_as_meant(&source, &text);
    found.findings.extend(findings);
    let Some(mut declaration) = declaration else { return found };
    let mut contracts = BTreeMap::new();
    // a path that was not understood is empty; a file that cannot be read is said here
    declaration.apis.retain(|_, api| {
        let path = &api.contract.value;
        if path.is_empty() {
            return false;
        }
        match read_text(&folder.join(path)) {
            Ok(text) => {
                found.sources.insert(SourceId::new(path), text.as_str());
                contracts.insert(path.clone(), text);
                true
            }
            Err(why) => {
                found.findings.push(unreadable(path, &why, api.contract.span.clone()));
                false
            }
        }
    });
    let policies = match declaration.policies.value.is_empty() {
        true => Vec::new(),
        false => read_policies(folder, &declaration.policies, &mut found),
    };
    found.findings.extend(upstreams::survey(&declaration, folder));
    found.value = Some(Estate { declaration, declaration_text: text, contracts, policies });
    found
}

fn read_policies(
    folder: &Path,
    declared: &portcullis_config::declaration::Declared<String>,
    found: &mut Found<Estate>,
) -> Vec<(SourceId, String)> {
    let mut policies = Vec::new();
    let names = match policy_files(&folder.join(&declared.value)) {
        Ok(names) => names,
        Err(error) => {
            let finding = unreadable(&declared.value, &error.to_string(), declared.span.clone());
            found.findings.push(finding);
            return policies;
        }
    };
    for name in names {
        let path = format!("{}/{name}", declared.value);
        let source = SourceId::new(&path);
        match read_text(&folder.join(&path)) {
            Ok(text) => {
                found.sources.insert(source.clone(), text.as_str());
                policies.push((source, text));
            }
            Err(why) => found.findings.push(unreadable(&path, &why, declared.span.clone())),
        }
    }
    policies
}

fn policy_files(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "cedar") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn unreadable(path: &str, why: &str, span: Span) -> Finding {
    Finding::error("PC0504", format!("`{path}`: {why}"))
        .at(span, "named here")
        .why("an estate is loaded whole or not at all")
        .fix("check the path, relative to the folder of the declaration")
}

fn read_text(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let bound = FILE_BYTES_MAX.saturating_add(1);
    file.take(bound).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(format!("larger than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
