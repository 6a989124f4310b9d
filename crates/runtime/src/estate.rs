//! What stands in the folder? An estate is one folder: `portcullis.yaml`, the contracts that it
//! names, its policies, and overlays of which one may be chosen. Read here, judged by `core`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use portcullis_config::Declaration;
use portcullis_core::snapshot::Snapshot;
use portcullis_core::snapshot::compile::{Estate, compile, survey};
use portcullis_diagnostics::{Finding, SourceId, Sources, Span, closest};

use crate::countries::Countries;
use crate::{clock, tls_files, upstreams};

/// Name of the declaration in its folder.
pub const DECLARATION: &str = "portcullis.yaml";

/// Folder of the overlays in an estate.
pub const OVERLAYS: &str = "overlays";

/// Largest file of an estate, in bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Which estate, and in which environment? What every verb that reads one is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The estate's folder.
    pub folder: PathBuf,
    /// Name of the overlay that is laid over the declaration.
    pub overlay: Option<String>,
}

impl Site {
    /// An estate as it is declared, without overlay.
    #[must_use]
    pub fn plain(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), overlay: None }
    }

    /// The same estate with an overlay.
    #[must_use]
    pub fn with(&self, overlay: Option<&str>) -> Self {
        Self { folder: self.folder.clone(), overlay: overlay.map(str::to_owned) }
    }

    /// A path of the estate.
    #[must_use]
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }
}

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
pub fn read(site: &Site) -> Found<Estate> {
    let Found { value, findings, sources } = read_as_meant(site);
    let value = value.filter(|_| !findings.iter().any(Finding::is_error));
    Found { value, findings, sources }
}

/// Where a gateway that serves the estate is asked: as it was most likely meant, where the estate has
/// errors, and at the usual place where it cannot be read at all.
#[must_use]
pub fn admin_socket(site: &Site) -> PathBuf {
    let written = read_as_meant(site).value.map(|estate| estate.declaration.admin.socket);
    let socket = written.filter(|socket| !socket.is_empty());
    site.path(socket.as_deref().unwrap_or(portcullis_config::ADMIN_SOCKET))
}

/// Reads and compiles an estate. Errors of the declaration hide none of the contracts, policies and
/// files of TLS.
#[must_use]
pub fn load(site: &Site) -> Found<Snapshot> {
    let Found { value, mut findings, sources } = read_as_meant(site);
    let whole = !findings.iter().any(Finding::is_error);
    let value = value.and_then(|estate| {
        let (_, of_files) = tls_files::read(&estate.declaration, &site.folder, clock::now());
        findings.extend(of_files);
        let (_, of_files) = tls_files::remote(&estate.declaration, &site.folder, clock::now());
        findings.extend(of_files);
        let (snapshot, found) = if whole { compile(estate) } else { (None, survey(&estate)) };
        findings.extend(found);
        snapshot
    });
    let value = value.filter(|_| !findings.iter().any(Finding::is_error));
    Found { value, findings, sources }
}

/// An estate that has errors is the one that was most likely meant.
fn read_as_meant(site: &Site) -> Found<Estate> {
    let folder = site.folder.as_path();
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
    let overlay = match site.overlay.as_deref().map(|name| read_overlay(folder, name)) {
        Some(Ok(overlay)) => Some(overlay),
        Some(Err(finding)) => {
            found.findings.push(*finding);
            return found;
        }
        None => None,
    };
    let (declaration, findings) = match &overlay {
        Some((name, over)) => {
            let over_source = SourceId::new(name);
            found.sources.insert(over_source.clone(), over.as_str());
            portcullis_config::read_overlaid_as_meant((&source, &text), (&over_source, over))
        }
        None => portcullis_config::read_as_meant(&source, &text),
    };
    found.findings.extend(findings);
    let Some(mut declaration) = declaration else { return found };
    if let Some(countries) = &declaration.countries
        && let Err(why) = Countries::open(&declaration, folder)
    {
        let finding = unreadable(&countries.file.value, &why, countries.file.span.clone());
        found.findings.push(finding);
    }
    let contracts = read_contracts(folder, &mut declaration, &mut found);
    let policies = match declaration.policies.value.is_empty() {
        true => Vec::new(),
        false => read_policies(folder, &declaration.policies, &mut found),
    };
    found.findings.extend(upstreams::survey(&declaration, folder));
    found.value = Some(Estate {
        declaration,
        declaration_text: text,
        overlay_text: overlay,
        contracts,
        policies,
    });
    found
}

/// Texts of contracts by their paths. An API without one is left out: it is said, and nothing more
/// can be said of it.
fn read_contracts(
    folder: &Path,
    declaration: &mut Declaration,
    found: &mut Found<Estate>,
) -> BTreeMap<String, String> {
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
    contracts
}

/// Path and text of an overlay.
fn read_overlay(folder: &Path, name: &str) -> Result<(String, String), Box<Finding>> {
    let path = format!("{OVERLAYS}/{name}.yaml");
    let finding = |why: &str| {
        let known = overlays(folder);
        let fix = match closest(name, known.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None if known.is_empty() => format!("write `{path}`, or leave `--overlay` out"),
            None => format!("use one of: {}", known.join(", ")),
        };
        let finding = Finding::error("PC0510", format!("overlay `{name}`: {why}"))
            .why("the declaration alone would be that of another environment");
        Box::new(finding.fix(fix))
    };
    let is_name = (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_name {
        return Err(finding("a name has up to 63 of `a-z`, `0-9` and `-`"));
    }
    read_text(&folder.join(&path)).map(|text| (path.clone(), text)).map_err(|why| finding(&why))
}

/// Names of the overlays of an estate, sorted.
#[must_use]
pub fn overlays(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join(OVERLAYS)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    names
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
