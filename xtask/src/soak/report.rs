//! What came out? As text and as JSON under `target/soak`, and whether it is good.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::resources::{Life, Sample};
use super::tally::Row;

/// File descriptors that may be open after the load that were not before it: kept connections to
/// upstreams, and files of records.
const DESCRIPTORS_LEFT: u32 = 40;

/// A whole run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) seconds: f64,
    pub(super) binary: String,
    pub(super) rows: Vec<Row>,
    pub(super) examples: Vec<String>,
    /// Lines of records that were read, answers whose outcome was found, and answers without.
    pub(super) records: u64,
    pub(super) settled: u64,
    pub(super) unsettled: usize,
    pub(super) longest_life: Life,
    /// Before the load, and when it is over.
    pub(super) before: Option<Sample>,
    pub(super) after: Option<Sample>,
    /// Connections that the gateway counts when every client has left.
    pub(super) connections_left: Option<u64>,
    /// What went wrong beside the requests.
    pub(super) failures: Vec<String>,
    pub(super) samples: Vec<Sample>,
}

impl Report {
    /// What is wrong; nothing if all is well.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = self.failures.clone();
        for row in &self.rows {
            if row.wrong > 0 || row.unrecorded > 0 {
                faults.push(format!(
                    "{}: {} wrong, {} unrecorded",
                    row.fault, row.wrong, row.unrecorded
                ));
            }
            if row.requests == 0 && row.times > 0 {
                faults.push(format!("{}: nobody asked", row.fault));
            }
        }
        if self.unsettled > 0 {
            faults.push(format!("{} answers without an outcome", self.unsettled));
        }
        faults.extend(self.longest_life.grew.iter().map(|what| format!("{what} grew")));
        if let (Some(before), Some(after)) = (self.before, self.after)
            && after.descriptors > before.descriptors + DESCRIPTORS_LEFT
        {
            let (before, after) = (before.descriptors, after.descriptors);
            faults.push(format!("{after} file descriptors are left of {before}"));
        }
        if self.connections_left.is_none_or(|left| left > 0) {
            faults.push(format!("connections left: {:?}", self.connections_left));
        }
        faults
    }

    /// Writes both forms.
    pub(super) fn write(&self, folder: &Path) -> Result<String> {
        std::fs::create_dir_all(folder)?;
        let text = self.text()?;
        std::fs::write(folder.join("report.txt"), &text)?;
        std::fs::write(folder.join("report.json"), serde_json::to_vec_pretty(self)?)?;
        Ok(text)
    }

    fn text(&self) -> Result<String> {
        let mut text =
            format!("soak: {:.0} s, seed {}, {}\n\n", self.seconds, self.seed, self.binary);
        text.push_str("| fault | times | requests | right | refused | failed, as allowed | wrong | crossed | unrecorded |\n|---|---|---|---|---|---|---|---|---|\n");
        for row in &self.rows {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.fault,
                row.times,
                row.requests,
                row.right,
                row.refused,
                row.failed,
                row.wrong,
                row.crossed,
                row.unrecorded
            )?;
        }
        let life = &self.longest_life;
        writeln!(
            text,
            "\nrecords read: {}; answers with their outcome: {}, without: {}",
            self.records, self.settled, self.unsettled
        )?;
        writeln!(
            text,
            "processes: {}; the longest life, warm: {:.0} s",
            life.processes, life.seconds
        )?;
        for (name, course) in [
            ("memory in KiB", &life.rss_kib),
            ("file descriptors", &life.descriptors),
            ("threads", &life.threads),
        ] {
            writeln!(
                text,
                "{name}: first quarter {:.0}, last quarter {:.0}, most {:.0}, slope {:+.2} a minute",
                course.first_quarter, course.last_quarter, course.most, course.slope_per_minute
            )?;
        }
        let descriptors = |sample: Option<Sample>| sample.map(|one| one.descriptors);
        writeln!(
            text,
            "file descriptors before the load {:?}, after it {:?}; connections left {:?}",
            descriptors(self.before),
            descriptors(self.after),
            self.connections_left
        )?;
        let faults = self.faults();
        writeln!(text, "\n{}", if faults.is_empty() { "all is well" } else { "wrong:" })?;
        for line in faults.iter().chain(&self.examples) {
            writeln!(text, "- {line}")?;
        }
        Ok(text)
    }
}
