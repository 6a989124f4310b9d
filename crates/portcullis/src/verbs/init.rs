//! `portcullis init`: an estate to begin with.

use std::path::Path;

use anyhow::{Context, Result, bail};
use portcullis_runtime::estate::Site;

use crate::verbs::{Exit, Format, check, policy};

/// The files of the estate, but for the baseline, which is made from them.
const FILES: [(&str, &str); 3] = [
    ("portcullis.yaml", include_str!("init/portcullis.yaml")),
    ("contracts/hello.yaml", include_str!("init/hello.yaml")),
    ("policies/hello.cedar", include_str!("init/hello.cedar")),
];

/// Peppers, hashes of keys and records belong into no repository.
const IGNORED: (&str, &str) = (".gitignore", "/state/\n");

/// Writes the estate; never over anything.
pub(crate) fn run(folder: &Path) -> Result<Exit> {
    for (name, _) in FILES {
        let path = folder.join(name);
        if path.exists() {
            bail!("`{}` is there already; nothing was written", path.display());
        }
    }
    // a repository that the estate is begun in has one of its own
    let ignored = (!folder.join(IGNORED.0).exists()).then_some(IGNORED);
    for (name, text) in FILES.into_iter().chain(ignored) {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("`{}`", parent.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("`{}`", path.display()))?;
        println!("wrote {}", path.display());
    }
    let site = Site::plain(folder);
    policy::run(&site, &policy::Verb::Baseline)?;
    check::run(&site, Format::Text)
}
