//! Is it written down? One thread per process takes drafts, seals what is personal, writes JSON
//! lines, and makes them durable for whoever waits.
//!
//! Drafts wait in a bounded queue; when it is full, requests wait too (records are never
//! sampled). The writer gathers them for a few milliseconds, because waking a thread for each would
//! cost more than writing it; a draft that somebody waits for rings a bell and is written at once,
//! and all that wait share one `fdatasync` (group commit). A file is closed at its bound and the
//! oldest are removed. Any failure to write answers "not durable" to those who wait and is counted;
//! the next draft tries a fresh file.

mod bell;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bell::Bell;
use portcullis_core::json;
use portcullis_core::record::Draft;
use portcullis_model::Record;
use portcullis_model::record::{FactNote, FactValue};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::seal::SealKey;

/// Drafts that may wait; beyond it requests wait.
const QUEUE_MAX: usize = 4096;

/// Drafts that share one write at the most.
const BATCH_MAX: usize = 256;

/// How long the writer gathers drafts for which nobody waits.
const GATHER: Duration = Duration::from_millis(5);

/// Where and how records are kept.
#[derive(Clone, Debug)]
pub struct RecordsConfig {
    /// Folder of the files.
    pub directory: PathBuf,
    /// A file is closed at this size, in bytes.
    pub rotate_bytes: u64,
    /// Files kept.
    pub keep_files: usize,
}

/// Hands drafts to the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Records {
    queue: mpsc::Sender<Job>,
    bell: Arc<Bell>,
    counts: Arc<Counts>,
}

/// Is given every record after it was written, off the path of requests.
pub trait Follower: Send {
    /// A record, whether writing it succeeded or not.
    fn follow(&mut self, record: Record);
}

/// Nobody.
impl Follower for () {
    fn follow(&mut self, _: Record) {}
}

/// What the writer has done.
#[derive(Debug, Default)]
pub struct Counts {
    /// Records written.
    pub written: AtomicU64,
    /// Records that could not be written.
    pub failed: AtomicU64,
}

#[derive(Debug)]
struct Job {
    draft: Box<Draft>,
    durable: Option<oneshot::Sender<bool>>,
}

impl Records {
    /// Starts the writer. It ends, with everything written, when the last clone is dropped.
    ///
    /// # Errors
    /// When the folder cannot be made or its thread cannot be started.
    pub fn start(
        config: RecordsConfig,
        seal: Arc<SealKey>,
        follower: impl Follower + 'static,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        std::fs::create_dir_all(&config.directory)?;
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let (counts, bell) = (Arc::new(Counts::default()), Arc::new(Bell::default()));
        let mut writer = Writer {
            config,
            seal,
            follower: Box::new(follower),
            bell: Arc::clone(&bell),
            counts: Arc::clone(&counts),
            file: None,
            bytes: 0,
            series: 0,
        };
        let thread = std::thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || writer.run(jobs))?;
        Ok((Self { queue, bell, counts }, thread))
    }

    /// Hands over a draft.
    pub async fn submit(&self, draft: Draft) {
        let Err(refused) = self.offer(Job { draft: Box::new(draft), durable: None }) else {
            return;
        };
        let sent = match refused {
            TrySendError::Full(job) => self.queue.send(job).await.is_ok(),
            TrySendError::Closed(_) => false,
        };
        if !sent {
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts a job into the queue if there is room; rings when somebody waits or room gets short.
    fn offer(&self, job: Job) -> Result<(), TrySendError<Job>> {
        let waits = job.durable.is_some();
        let offered = self.queue.try_send(job);
        if waits || self.queue.capacity() < QUEUE_MAX / 2 {
            self.bell.ring();
        }
        offered
    }

    /// Hands over a draft where nobody can wait: a crossing that ends with its connection. When the
    /// queue is full a task waits in its place.
    pub fn submit_detached(&self, draft: Draft) {
        let Err(refused) = self.offer(Job { draft: Box::new(draft), durable: None }) else {
            return;
        };
        match (refused, tokio::runtime::Handle::try_current()) {
            (TrySendError::Full(job), Ok(runtime)) => {
                let records = self.clone();
                runtime.spawn(async move { records.submit(*job.draft).await });
            }
            (TrySendError::Full(_) | TrySendError::Closed(_), _) => {
                self.counts.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Hands over a draft and waits until it is durable. `false`: it is not.
    pub async fn submit_durable(&self, draft: Draft) -> bool {
        let (answer, durable) = oneshot::channel();
        let sent = match self.offer(Job { draft: Box::new(draft), durable: Some(answer) }) {
            Ok(()) => true,
            Err(TrySendError::Full(job)) => self.queue.send(job).await.is_ok(),
            Err(TrySendError::Closed(_)) => false,
        };
        sent && durable.await.unwrap_or(false)
    }

    /// Drafts that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        QUEUE_MAX.saturating_sub(self.queue.capacity())
    }

    /// What the writer has done.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

struct Writer {
    config: RecordsConfig,
    seal: Arc<SealKey>,
    follower: Box<dyn Follower>,
    bell: Arc<Bell>,
    counts: Arc<Counts>,
    file: Option<File>,
    bytes: u64,
    series: u64,
}

impl Writer {
    fn run(&mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut batch = vec![first];
            while !batch.is_empty() {
                while batch.len() < BATCH_MAX
                    && let Ok(job) = jobs.try_recv()
                {
                    batch.push(job);
                }
                let more = batch.len() == BATCH_MAX;
                self.write(std::mem::take(&mut batch));
                if !more {
                    self.bell.wait(GATHER);
                }
                batch.extend(jobs.try_recv().ok());
            }
        }
    }

    fn write(&mut self, batch: Vec<Job>) {
        let mut count = 0_u64;
        let mut lines = Vec::new();
        let mut waiting = Vec::new();
        let mut records = Vec::with_capacity(batch.len());
        for job in batch {
            let record = finish(*job.draft, &self.seal);
            let before = lines.len();
            match json::write(&record, &mut lines) {
                Ok(()) => {
                    lines.push(b'\n');
                    count = count.saturating_add(1);
                    waiting.extend(job.durable);
                }
                // whoever waits for it learns by the dropped answer that it is not durable
                Err(error) => {
                    lines.truncate(before);
                    tracing::error!(%error, "a record could not be put into text");
                    self.counts.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
            records.push(record);
        }
        let written = self.append(&lines, !waiting.is_empty());
        let counter = if written.is_ok() { &self.counts.written } else { &self.counts.failed };
        counter.fetch_add(count, Ordering::Relaxed);
        if let Err(error) = &written {
            tracing::error!(%error, count, "records could not be written");
            // a line that was cut off ends its file; an empty one is tried again, so that a disk that
            // is full for long does not fill the folder, and push records out, with empty files
            let empty = |file: &File| file.metadata().is_ok_and(|known| known.len() == 0);
            self.file = self.file.take().filter(empty);
        }
        for answer in waiting {
            if answer.send(written.is_ok()).is_err() {
                tracing::debug!("whoever waited for a record is gone");
            }
        }
        records.into_iter().for_each(|record| self.follower.follow(record));
    }

    fn append(&mut self, lines: &[u8], durable: bool) -> std::io::Result<()> {
        if self.file.is_none() || self.bytes >= self.config.rotate_bytes {
            self.rotate()?;
        }
        let Some(file) = &mut self.file else {
            return Err(std::io::Error::other("no file is open"));
        };
        file.write_all(lines)?;
        let first = self.bytes == 0;
        self.bytes = self.bytes.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        if durable {
            file.sync_data()?;
        }
        // only a file that takes records may push out an older one
        if first {
            self.prune();
        }
        Ok(())
    }

    /// Removes the oldest files beyond the bound. One that cannot be removed takes room and nothing
    /// else, so the records that were just written count all the same.
    fn prune(&self) {
        let pruned = files(&self.config.directory).and_then(|mut files| {
            let surplus = files.len().saturating_sub(self.config.keep_files.max(1));
            files
                .drain(..surplus)
                .filter(|file| !is_written(file))
                .try_for_each(std::fs::remove_file)
        });
        if let Err(error) = pruned {
            tracing::warn!(%error, "old records could not be removed");
        }
    }

    fn rotate(&mut self) -> std::io::Result<()> {
        self.series = self.series.saturating_add(1);
        let millis = crate::clock::now().as_millis();
        // another process may write beside this one, while it takes over
        let process = std::process::id();
        let name = format!("records-{millis:014}-{:06}-{process}.jsonl", self.series);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(self.config.directory.join(name))?;
        // held as long as it is written: no other process removes it
        match file.lock_shared() {
            // a file system without locks has no second process beside it, or keeps more files
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            locked => locked?,
        }
        // the name of the file must be as durable as its lines
        File::open(&self.config.directory)?.sync_all()?;
        self.file = Some(file);
        self.bytes = 0;
        Ok(())
    }
}

/// Whether a process still writes a file: one that takes over writes beside the one that leaves.
fn is_written(file: &Path) -> bool {
    let Ok(file) = File::open(file) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// The record files of a folder, oldest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("records-") && path.extension().is_some_and(|end| end == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn finish(draft: Draft, seal: &SealKey) -> Record {
    let mut record = draft.record;
    record.caller.principal = draft.principal_name.map(|name| seal.handle(&name));
    record.facts = draft
        .facts
        .into_iter()
        .map(|fact| {
            let value = if fact.personal {
                let label = [record.id.as_str(), "/", fact.name].concat();
                seal.seal(&label, &fact.value).map_or(FactValue::Erased, FactValue::Sealed)
            } else {
                FactValue::Clear(fact.value)
            };
            FactNote { name: fact.name.to_owned(), as_of: fact.as_of, value }
        })
        .collect();
    record
}

#[cfg(test)]
mod tests {
    use super::{Records, RecordsConfig, files};
    use crate::clock::{RecordIds, now};
    use crate::seal::SealKey;
    use portcullis_core::record::{Draft, Timings, draft};
    use portcullis_core::trace::Trace;
    use portcullis_model::Record;
    use portcullis_model::record::{FactValue, RecordKind};
    use std::path::Path;
    use std::sync::Arc;

    fn sample(ids: &RecordIds) -> Draft {
        let at = now();
        let mut trace = Trace::new(ids.next(at), at, "web".into());
        trace.personal_fact("message", &serde_json::json!({"target": "/orders/alice"}));
        draft(RecordKind::Intent, trace, "r1", None, &Timings::new(), None)
    }

    fn start(folder: &Path) -> (Records, std::thread::JoinHandle<()>) {
        let seal = Arc::new(SealKey::load_or_make(&folder.join("seal.key")).unwrap());
        let directory = folder.join("records");
        let config = RecordsConfig { directory, rotate_bytes: 2_000, keep_files: 3 };
        Records::start(config, seal, ()).unwrap()
    }

    #[tokio::test]
    async fn what_is_durable_is_read_back_with_its_personal_facts_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let (records, thread) = start(folder.path());
        let draft = sample(&RecordIds::new());
        let id = draft.record.id.clone();
        assert!(records.submit_durable(draft).await);
        drop(records);
        thread.join().unwrap();
        let file = files(&folder.path().join("records")).unwrap().remove(0);
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("alice"));
        let record: Record = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(record.id, id);
        let FactValue::Sealed(sealed) = &record.facts[0].value else { panic!("not sealed") };
        let seal = SealKey::load_or_make(&folder.path().join("seal.key")).unwrap();
        let opened = seal.open(&format!("{id}/message"), sealed).unwrap();
        assert!(opened.contains("/orders/alice"));
    }

    #[tokio::test]
    async fn files_rotate_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let (records, _thread) = start(folder.path());
        let ids = RecordIds::new();
        for _ in 0..40 {
            assert!(records.submit_durable(sample(&ids)).await);
        }
        assert_eq!(files(&folder.path().join("records")).unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_file_that_another_process_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("records");
        std::fs::create_dir_all(&directory).unwrap();
        let (held, left) = (
            directory.join("records-00000000000001-000001-1.jsonl"),
            directory.join("records-00000000000001-000002-1.jsonl"),
        );
        let file = std::fs::File::create(&held).unwrap();
        file.lock_shared().unwrap();
        std::fs::write(&left, "").unwrap();
        let (records, _thread) = start(folder.path());
        let ids = RecordIds::new();
        for _ in 0..40 {
            assert!(records.submit_durable(sample(&ids)).await);
        }
        assert!(held.exists() && !left.exists());
        assert_eq!(files(&directory).unwrap().len(), 4, "three of ours, and the one that is held");
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_not_durable() {
        let folder = tempfile::tempdir().unwrap();
        let (records, _thread) = start(folder.path());
        std::fs::remove_dir_all(folder.path().join("records")).unwrap();
        assert!(!records.submit_durable(sample(&RecordIds::new())).await);
        assert_eq!(records.counts().failed.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}
