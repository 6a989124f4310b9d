//! What was examined, and what came of it?

use std::path::{Path, PathBuf};

use portcullis_config::Declaration;
use portcullis_core::Snapshot;
use portcullis_diagnostics::Finding;

/// One visit of the doctor.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) folder: &'a Path,
    pub(super) workers: usize,
    /// What is as it should be, in words.
    pub(super) fine: Vec<(String, String)>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Visit<'a> {
    pub(super) const fn new(snapshot: &'a Snapshot, folder: &'a Path, workers: usize) -> Self {
        Self { snapshot, folder, workers, fine: Vec::new(), findings: Vec::new() }
    }

    pub(super) const fn declaration(&self) -> &'a Declaration {
        &self.snapshot.declaration
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    pub(super) fn fine(&mut self, what: impl Into<String>, said: impl Into<String>) {
        self.fine.push((what.into(), said.into()));
    }

    pub(super) fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Takes one of the two.
    pub(super) fn take(&mut self, what: &str, result: Result<String, Finding>) {
        match result {
            Ok(said) => self.fine(what, said),
            Err(finding) => self.finding(finding),
        }
    }
}
