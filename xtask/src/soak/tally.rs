//! How many requests met each fault, and what came of them? A row for each fault and one for none;
//! examples of what should not have been.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::weather::{ALL, Fault, Under};

/// Most examples that are kept.
const EXAMPLES_MAX: usize = 60;

/// What an answer was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A good request has its own answer.
    Right,
    /// A request that must be refused was.
    Refused,
    /// It failed as the faults of its time allow.
    Failed,
    /// Anything else.
    Wrong(String),
}

/// One row of the report.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Row {
    /// Which fault.
    pub(super) fault: &'static str,
    /// How often it was brought about.
    pub(super) times: u64,
    /// Requests that met it.
    pub(super) requests: u64,
    /// Good ones with their own answers.
    pub(super) right: u64,
    /// Refusals that were due.
    pub(super) refused: u64,
    /// Failures that the fault allows.
    pub(super) failed: u64,
    /// What should not have been.
    pub(super) wrong: u64,
    /// Requests that upstreams saw.
    pub(super) crossed: u64,
    /// Those of them that were not recorded before.
    pub(super) unrecorded: u64,
}

/// All rows.
#[derive(Debug)]
pub(super) struct Tally {
    rows: Mutex<Vec<Row>>,
    examples: Mutex<Vec<String>>,
}

impl Default for Tally {
    fn default() -> Self {
        let names = ALL.iter().map(|fault| fault.name()).chain(["none"]);
        let rows = names.map(|fault| Row { fault, ..Row::default() }).collect();
        Self { rows: Mutex::new(rows), examples: Mutex::default() }
    }
}

impl Tally {
    /// A fault was brought about.
    pub(super) fn brought(&self, fault: Fault) {
        self.each(|row, met| row.times += u64::from(met == Some(fault)));
    }

    /// A request of a kind of client was answered.
    pub(super) fn judged(&self, client: &str, under: Under, verdict: &Verdict) {
        self.each_of(under, |row| {
            row.requests += 1;
            match verdict {
                Verdict::Right => row.right += 1,
                Verdict::Refused => row.refused += 1,
                Verdict::Failed => row.failed += 1,
                Verdict::Wrong(_) => row.wrong += 1,
            }
        });
        if let Verdict::Wrong(why) = verdict {
            let met: Vec<_> =
                ALL.iter().filter(|one| under.has(**one)).map(|one| one.name()).collect();
            self.note(format!("{client}, under {met:?}: {why}"));
        }
    }

    /// An upstream saw a request, which was recorded before or not.
    pub(super) fn crossed(&self, under: Under, recorded: bool) {
        self.each_of(under, |row| {
            row.crossed += 1;
            row.unrecorded += u64::from(!recorded);
        });
    }

    /// Something came about that should not have.
    pub(super) fn wrong(&self, under: Under, what: String) {
        self.each_of(under, |row| row.wrong += 1);
        self.note(what);
    }

    /// Keeps an example of what should not have been.
    fn note(&self, what: String) {
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < EXAMPLES_MAX {
            examples.push(what);
        }
    }

    /// The rows.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The examples.
    pub(super) fn examples(&self) -> Vec<String> {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn each(&self, mut count: impl FnMut(&mut Row, Option<Fault>)) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let faults = ALL.iter().copied().map(Some).chain([None]);
        for (row, fault) in rows.iter_mut().zip(faults) {
            count(row, fault);
        }
    }

    fn each_of(&self, under: Under, mut count: impl FnMut(&mut Row)) {
        self.each(|row, fault| {
            if fault.map_or(under == Under::default(), |fault| under.has(fault)) {
                count(row);
            }
        });
    }
}
