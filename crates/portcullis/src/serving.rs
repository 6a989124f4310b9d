//! How does a folder become a gateway? Estate, records, stores, door and admin door, in this
//! order; and the reverse when it stops, so that the last record is written.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use portcullis_core::Snapshot;
use portcullis_gateway::admin::{self, Admin, AdminDoor};
use portcullis_gateway::{Door, Running, Upstreams, server};
use portcullis_model::ListenerId;
use portcullis_runtime::clock::RecordIds;
use portcullis_runtime::records::{Records, RecordsConfig};
use portcullis_runtime::seal::SealKey;
use portcullis_runtime::{Driver, Stores};
use portcullis_telemetry::Metrics;

/// A gateway at work.
#[derive(Debug)]
pub(crate) struct Serving {
    /// Where it listens.
    pub(crate) addresses: BTreeMap<ListenerId, SocketAddr>,
    /// Its admin socket.
    pub(crate) admin_socket: PathBuf,
    running: Running,
    admin: AdminDoor,
    state: Arc<Admin>,
    door: Arc<Door>,
    writer: JoinHandle<()>,
}

impl Serving {
    /// Serves a snapshot of the estate in a folder.
    pub(crate) fn start(snapshot: Snapshot, folder: &Path, workers: usize) -> Result<Self> {
        let declaration = snapshot.declaration.clone();
        let metrics = Arc::new(Metrics::default());
        let directory = folder.join(&declaration.records.directory);
        let admin = Arc::new(Admin {
            metrics: Arc::clone(&metrics),
            ready: AtomicBool::new(false),
            records: directory.clone(),
        });
        let admin_socket = folder.join(&declaration.admin.socket);
        let admin_door = admin::start(Arc::clone(&admin), &admin_socket)
            .with_context(|| format!("the admin socket `{}`", admin_socket.display()))?;
        let seal_key = folder.join(&declaration.records.seal_key);
        let seal = SealKey::load_or_make(&seal_key)
            .with_context(|| format!("the seal key `{}`", seal_key.display()))?;
        let config = RecordsConfig {
            directory,
            rotate_bytes: declaration.records.rotate_bytes,
            keep_files: usize::try_from(declaration.records.keep_files).unwrap_or(usize::MAX),
        };
        let (records, writer) = Records::start(config, Arc::new(seal)).context("the records")?;
        let stores = Stores::open(&declaration, folder, records, seed()?)
            .context("a secret is missing; `portcullis key new --provider … --holder …` makes the pepper of a provider of API keys")?;
        let upstreams = Upstreams::open(&declaration, folder, &metrics).context("the upstreams")?;
        let driver = Driver::new(Arc::new(snapshot), Arc::new(stores));
        let door = Arc::new(Door { driver, metrics, ids: RecordIds::new(), upstreams });
        let running = server::start(&door, workers).context("the listeners")?;
        admin.ready.store(true, Ordering::Release);
        let addresses = running.addresses.clone();
        Ok(Self { addresses, admin_socket, running, admin: admin_door, state: admin, door, writer })
    }

    /// Stops: first the listeners, then what requests under way need, then the records.
    pub(crate) fn stop(self) {
        self.state.ready.store(false, Ordering::Release);
        self.running.stop();
        self.admin.stop();
        drop(self.door);
        if self.writer.join().is_err() {
            eprintln!("error: the record writer ended by a panic");
        }
    }
}

/// Keys the hashes of counters, so that nobody outside can aim at one.
fn seed() -> Result<u64> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("there is no randomness"))?;
    Ok(u64::from_be_bytes(bytes))
}
