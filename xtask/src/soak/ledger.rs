//! Has everything that crossed a record? Files of records are read as they grow, and held against what
//! upstreams saw and what clients were answered.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use portcullis_model::record::RecordKind;
use serde::Deserialize;

use super::tally::Tally;
use super::upstream::Notes;
use super::weather::{Fault, Weather};

/// Longest time between an answer and its outcome on disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ids are remembered for at least this long.
const MEMORY: Duration = Duration::from_secs(120);

/// Longest part of a file that is read at once, in bytes.
const PART_MAX: u64 = 4 * 1024 * 1024;

/// Decisions that clients were told of.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Vec<(String, Instant)>>);

impl Told {
    /// A client was told the id of a decision.
    pub(super) fn push(&self, id: String) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((id, Instant::now()));
    }

    fn take(&self) -> Vec<(String, Instant)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ids of the last minutes.
#[derive(Debug)]
struct Recent {
    now: HashSet<String>,
    before: HashSet<String>,
    since: Instant,
}

impl Recent {
    fn new() -> Self {
        Self { now: HashSet::new(), before: HashSet::new(), since: Instant::now() }
    }

    fn insert(&mut self, id: String) {
        if self.since.elapsed() > MEMORY {
            self.before = std::mem::take(&mut self.now);
            self.since = Instant::now();
        }
        self.now.insert(id);
    }

    fn has(&self, id: &str) -> bool {
        self.now.contains(id) || self.before.contains(id)
    }
}

/// What is needed of a line.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    kind: RecordKind,
}

/// What was read so far.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    read: HashMap<PathBuf, u64>,
    intents: Recent,
    outcomes: Recent,
    waiting: Vec<(String, Instant)>,
    /// Lines that were read.
    pub(super) lines: u64,
    /// Answers whose outcome was found.
    pub(super) settled: u64,
}

impl Ledger {
    /// Of a folder of records.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            read: HashMap::new(),
            intents: Recent::new(),
            outcomes: Recent::new(),
            waiting: Vec::new(),
            lines: 0,
            settled: 0,
        }
    }

    /// Reads what is new, and holds it against what was seen before that.
    pub(super) fn look(&mut self, notes: &Notes, told: &Told, weather: &Weather, tally: &Tally) {
        let seen = notes.take();
        self.waiting.extend(told.take());
        self.read_on();
        for sighting in seen {
            let recorded = self.intents.has(&sighting.decision);
            let under = weather.under(sighting.at, sighting.at);
            tally.crossed(under, recorded);
            if !recorded {
                tally.wrong(under, format!("it crossed without a record: {}", sighting.decision));
            }
        }
        let (outcomes, settled) = (&self.outcomes, &mut self.settled);
        self.waiting.retain(|(id, at)| {
            if outcomes.has(id) {
                *settled += 1;
                return false;
            }
            let late = at.elapsed() > PATIENCE;
            if late && !excused(weather, *at) {
                let under = weather.under(*at, *at);
                tally.wrong(under, format!("it was answered and has no outcome: {id}"));
            }
            !late
        });
    }

    /// Answers that wait for their outcome still, without a reason.
    pub(super) fn unsettled(&self, weather: &Weather) -> usize {
        self.waiting.iter().filter(|(_, at)| !excused(weather, *at)).count()
    }

    fn read_on(&mut self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        self.read.retain(|file, _| files.contains(file));
        for file in files {
            while self.read_part(&file).is_some_and(|count| count >= PART_MAX / 2) {}
        }
    }

    /// Reads whole lines of a part of a file; how many bytes.
    fn read_part(&mut self, path: &Path) -> Option<u64> {
        let from = self.read.get(path).copied().unwrap_or(0);
        let mut file = std::fs::File::open(path).ok()?;
        if file.metadata().ok()?.len() <= from {
            return None;
        }
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut part = Vec::new();
        file.take(PART_MAX).read_to_end(&mut part).ok()?;
        let end = part.iter().rposition(|byte| *byte == b'\n')? + 1;
        for line in part.get(..end)?.split(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
            self.lines += 1;
            match line.kind {
                RecordKind::Intent => self.intents.insert(line.id),
                RecordKind::Outcome => self.outcomes.insert(line.id),
            }
        }
        let count = u64::try_from(end).ok()?;
        self.read.insert(path.to_owned(), from + count);
        Some(count)
    }
}

/// An outcome follows its answer: a kill or a full disk may come between.
fn excused(weather: &Weather, at: Instant) -> bool {
    let under = weather.under(at, at + Duration::from_secs(1));
    under.has(Fault::Kill) || under.has(Fault::RecordsFull)
}
