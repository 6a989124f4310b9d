//! The gateway as a process of its own, and what it wrote down.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_model::Record;
use portcullis_model::record::RecordKind;

/// Longest wait for the process or for a record.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway; killed when it is dropped.
#[derive(Debug)]
pub struct Gateway {
    /// Where its listeners are, by name.
    pub addresses: BTreeMap<String, SocketAddr>,
    /// Its estate.
    pub folder: PathBuf,
    child: Child,
}

impl Gateway {
    /// Starts the binary on the estate of a folder and waits until it listens.
    #[must_use]
    pub fn start(binary: &Path, folder: &Path) -> Self {
        Self::start_with(binary, folder, &[])
    }

    /// The same with further arguments of `run`.
    #[must_use]
    pub fn start_with(binary: &Path, folder: &Path, arguments: &[&str]) -> Self {
        let ports = folder.join("ports.json");
        let _gone: std::io::Result<()> = std::fs::remove_file(&ports);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("log.txt"))
            .unwrap();
        let mut child = Command::new(binary)
            .arg("-C")
            .arg(folder)
            .args(["run", "--workers", "2", "--ports-file"])
            .arg(&ports)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while !ports.exists() {
            let ended = child.try_wait().unwrap();
            let log = || std::fs::read_to_string(folder.join("log.txt")).unwrap_or_default();
            assert!(ended.is_none(), "the gateway ended at once: {}", log());
            assert!(begun.elapsed() < PATIENCE, "the gateway does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
        let addresses = serde_json::from_slice(&std::fs::read(&ports).unwrap()).unwrap();
        Self { addresses, folder: folder.to_owned(), child }
    }

    /// Where a listener is.
    #[must_use]
    pub fn address(&self, listener: &str) -> SocketAddr {
        self.addresses[listener]
    }

    /// Asks at the admin socket; answers status and body.
    #[must_use]
    pub fn admin(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(self.folder.join("state/admin.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).unwrap();
        let answer = crate::raw::answers(&raw).remove(0);
        (answer.status, answer.body)
    }

    /// Has the estate read anew; whether it was taken, and what was said.
    #[must_use]
    pub fn reload(&mut self) -> (bool, String) {
        let (status, said) = self.admin("POST", "/reload");
        assert!(status == 200 || status == 409, "{status}: {said}");
        let ports = std::fs::read(self.folder.join("ports.json")).unwrap();
        self.addresses = serde_json::from_slice(&ports).unwrap();
        (status == 200, said)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log.txt")).unwrap_or_default()
    }

    /// All records in the order of their files.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        records(&self.folder.join("state/records"))
    }

    /// The outcome of a decision; waits for it to be written.
    #[must_use]
    pub fn outcome(&self, id: &str) -> Record {
        self.wait_for(|records| {
            records
                .iter()
                .find(|record| record.id.as_str() == id && record.kind == RecordKind::Outcome)
                .cloned()
        })
        .unwrap_or_else(|| panic!("no record of `{id}`"))
    }

    /// Waits until something is found in the records.
    #[must_use]
    pub fn wait_for<T>(&self, find: impl Fn(&[Record]) -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        loop {
            let found = find(&self.records());
            if found.is_some() || begun.elapsed() > PATIENCE {
                return found;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end, which must be a good one.
    pub fn ended(&mut self) {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the gateway ended with {status}: {}", self.log());
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _killed: std::io::Result<()> = self.child.kill();
        let _waited: std::io::Result<_> = self.child.wait();
    }
}

/// All records of a folder; a line that was cut off by a kill is left out.
#[must_use]
pub fn records(directory: &Path) -> Vec<Record> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut records = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        records.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
    }
    records
}
