//! When is the estate read anew? On SIGHUP, when an operator asks at the admin socket, and, if it
//! was asked for, when a file of the folder has changed. A declaration that does not hold changes
//! nothing: the old one decides, and everybody who asked learns why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use portcullis_runtime::estate::{self, Site};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::serving::Serving;
use crate::verbs::check;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Files of an estate looked at; more are a folder that is no estate.
const FILES_MAX: usize = 10_000;

/// Reads the estate anew and lets it decide. What it says is for people; whether it was taken.
pub(crate) fn reload(serving: &mut Serving, site: &Site) -> (bool, String) {
    let begun = Instant::now();
    let found = estate::load(site);
    let compiled = begun.elapsed();
    let mut said = match found.findings.is_empty() {
        true => String::new(),
        false => check::plain(&found.findings, &found.sources),
    };
    let taken = match found.value {
        None => {
            said.push_str("not reloaded: the estate has errors; the old one decides\n");
            false
        }
        Some(snapshot) => {
            let revision = snapshot.revision.clone();
            match serving.reload(snapshot) {
                Ok(()) => {
                    let exchanged = begun.elapsed().saturating_sub(compiled);
                    said.push_str(&format!(
                        "reloaded, revision {revision}; compiled in {} ms, exchanged in {} us\n",
                        compiled.as_millis(),
                        exchanged.as_micros(),
                    ));
                    true
                }
                Err(error) => {
                    said.push_str(&format!("not reloaded: {error:#}; the old one decides\n"));
                    false
                }
            }
        }
    };
    serving.reloaded(taken);
    (taken, said)
}

/// Watches the files of a folder.
#[derive(Debug)]
pub(crate) struct Watch {
    folder: PathBuf,
    seen: Seen,
    /// Changed at the last look; reloaded when the next look finds nothing new, so that a change of
    /// several files is not read in its middle.
    unsettled: bool,
    timer: Interval,
}

/// What tells one state of the files from another.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Watch {
    /// Looks at the files for the first time.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut timer = interval(LOOK_EVERY);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { folder: folder.to_owned(), seen: look(folder), unsettled: false, timer }
    }

    /// Waits until the files have changed and have come to rest.
    pub(crate) async fn changed(&mut self) {
        loop {
            self.timer.tick().await;
            let seen = look(&self.folder);
            let same = seen == self.seen;
            self.seen = seen;
            if same && self.unsettled {
                self.unsettled = false;
                return;
            }
            self.unsettled = !same;
        }
    }
}

/// The declaration and everything below the folder that an estate is written in.
fn look(folder: &Path) -> Seen {
    let mut seen = Seen::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            // follows links: mounted configuration is often swapped by one
            let Ok(data) = std::fs::metadata(&path) else { continue };
            let written = ["yaml", "yml", "json", "cedar", "pem", "mmdb"].map(std::ffi::OsStr::new);
            if data.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|known| written.contains(&known))
                && seen.len() < FILES_MAX
            {
                seen.insert(path, (data.modified().ok(), data.len()));
            }
        }
        if seen.len() >= FILES_MAX {
            break;
        }
    }
    seen
}
