//! How does a folder become a gateway? Estate, records, stores, door and admin door, in this
//! order; and the reverse when it stops, so that the last record is written. Between the two, a
//! reload lets another declaration decide, whole or not at all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};
use portcullis_config::Declaration;
use portcullis_core::Snapshot;
use portcullis_gateway::admin::remote::Remote;
use portcullis_gateway::admin::socket::{self, AdminDoor};
use portcullis_gateway::admin::{self, Admin};
use portcullis_gateway::handover::{self, Takeover};
use portcullis_gateway::handshake::{self, Servers};
use portcullis_gateway::scrape::Scrape;
use portcullis_gateway::{Door, Running, Upstreams, server};
use portcullis_model::{ListenerId, Timestamp};
use portcullis_runtime::export::{Exporter, Observer};
use portcullis_runtime::records::{Records, RecordsConfig};
use portcullis_runtime::seal::SealKey;
use portcullis_runtime::{Driver, Stores, clock, tls_files};
use portcullis_telemetry::Metrics;
use portcullis_transport::tls::Challenges;
use tokio::sync::mpsc::Receiver;
use tokio::task::spawn_blocking;

use crate::renewing::Renewing;
use crate::{descriptors, operating};

/// What to do where a secret cannot be resolved.
const SECRET: &str = "a secret is missing or cannot be used; `portcullis key new --provider … --holder …` makes the pepper of a provider of API keys";

/// Until when certificates are valid, by listener and their number there.
type Expiries = BTreeMap<Arc<str>, Timestamp>;

/// A gateway at work.
#[derive(Debug)]
pub(crate) struct Serving {
    folder: PathBuf,
    workers: usize,
    running: Running,
    admin: AdminDoor,
    remote: Option<Remote>,
    state: Arc<Admin>,
    door: Arc<Door>,
    challenges: Arc<Challenges>,
    renewing: Renewing,
    writer: JoinHandle<()>,
    exporter: Option<Exporter>,
    scrape: Option<Scrape>,
}

impl Serving {
    /// Serves a snapshot of the estate in a folder, on the sockets of a process that it takes over from
    /// where there is one.
    pub(crate) fn start(
        snapshot: Snapshot,
        folder: &Path,
        workers: usize,
        mut takeover: Option<Takeover>,
    ) -> Result<Self> {
        let declaration = snapshot.declaration.clone();
        let metrics = Arc::new(Metrics::default());
        let directory = folder.join(&declaration.records.directory);
        let admin = Arc::new(Admin::new(Arc::clone(&metrics), directory.clone()));
        admin.decides(&snapshot.revision);
        let admin_socket = folder.join(&declaration.admin.socket);
        let admin_door = socket::start(Arc::clone(&admin), &admin_socket, takeover.is_some())
            .with_context(|| format!("the admin socket `{}`", admin_socket.display()))?;
        let seal_key = folder.join(&declaration.records.seal_key);
        let seal = SealKey::load_or_make(&seal_key)
            .with_context(|| format!("the seal key `{}`", seal_key.display()))?;
        let config = RecordsConfig {
            directory,
            rotate_bytes: declaration.records.rotate_bytes,
            keep_files: usize::try_from(declaration.records.keep_files).unwrap_or(usize::MAX),
        };
        metrics.levels.bundle(&snapshot.revision);
        let exporter = Exporter::start(&declaration, folder, &metrics).context("the exporter")?;
        let outbox = exporter.as_ref().map(Exporter::outbox);
        let observer = Observer { metrics: Arc::clone(&metrics), outbox };
        let (records, writer) =
            Records::start(config, Arc::new(seal), observer).context("the records")?;
        let stores = Stores::open(&declaration, folder, records, seed()?).context(SECRET)?;
        let challenges = Arc::new(Challenges::default());
        let (tls, expiries) = speak(&declaration, folder, &Servers::new(), &challenges)?;
        metrics.levels.certificates(expiries);
        let remote = operating::open(&declaration, folder, &admin, takeover.is_some())?;
        let upstreams = Upstreams::open(&declaration, folder, &metrics)?;
        let driver = Driver::new(Arc::new(snapshot), Arc::new(stores));
        let door = Arc::new(Door::new(driver, tls, upstreams, Arc::clone(&metrics)));
        watch(&door);
        let scrape = declaration.telemetry.metrics_address;
        let scrape = scrape.map(|address| Scrape::start(address, metrics, takeover.is_some()));
        let scrape = scrape.transpose().context("the address of the metrics")?;
        let inherited = takeover.as_mut().map(|from| std::mem::take(&mut from.sockets));
        let running = server::start(&door, workers, inherited.unwrap_or_default())
            .context("the listeners")?;
        let renewing = Renewing::start(
            Arc::clone(&door),
            Arc::clone(&admin),
            folder,
            Arc::clone(&challenges),
            seed()?,
        )?;
        admin.ready.store(true, Ordering::Release);
        admin_door.take_place().context("the admin socket")?;
        if let Some(from) = takeover {
            from.serving().context("the process that was taken over from")?;
        }
        let folder = folder.to_owned();
        Ok(Self {
            folder,
            workers,
            running,
            admin: admin_door,
            remote,
            state: admin,
            door,
            challenges,
            renewing,
            writer,
            exporter,
            scrape,
        })
    }

    /// Lets another snapshot of the same estate decide from the next request on. Requests under way
    /// keep the one that they began with.
    ///
    /// # Errors
    /// When it cannot take effect as a whole; then nothing has changed.
    pub(crate) fn reload(&mut self, snapshot: Snapshot) -> Result<()> {
        let live = self.door.live();
        let old = &live.snapshot().declaration;
        if let Some(what) = fixed(old, &snapshot.declaration) {
            bail!("`{what}` cannot change while the gateway runs; start it anew");
        }
        let declaration = snapshot.declaration.clone();
        if let Err(finding) = descriptors::ensure(&declaration, self.workers) {
            bail!("{}: {}", finding.code, finding.message);
        }
        let stores = live.driver.stores().renewed(&declaration, &self.folder).context(SECRET)?;
        let (tls, expiries) = speak(&declaration, &self.folder, &live.tls, &self.challenges)?;
        let remote = operating::prepare(self.remote.as_ref(), &declaration, &self.folder)?;
        let upstreams = live.upstreams.renewed(&declaration, &self.folder, &self.state.metrics)?;
        let bound = self.running.bind(&declaration).context("the listeners")?;
        self.state.decides(&snapshot.revision);
        self.state.metrics.levels.bundle(&snapshot.revision);
        self.state.metrics.levels.certificates(expiries);
        if let Some(exporter) = &self.exporter {
            exporter.renew(&declaration);
        }
        self.door.replace(Driver::new(Arc::new(snapshot), Arc::new(stores)), tls, upstreams);
        live.upstreams.retire(&self.door.live().upstreams);
        self.running.listen(bound, &declaration);
        if let (Some(remote), Some(server)) = (&self.remote, remote) {
            remote.renew(server);
        }
        Ok(())
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> BTreeMap<ListenerId, SocketAddr> {
        self.running.addresses()
    }

    /// Where Prometheus can ask.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.scrape.as_ref().map(|scrape| scrape.address)
    }

    /// Where operators of other machines can ask.
    pub(crate) fn operators_address(&self) -> Option<SocketAddr> {
        self.remote.as_ref().map(|remote| remote.address)
    }

    /// Its admin socket.
    pub(crate) fn admin_socket(&self) -> &Path {
        self.admin.socket()
    }

    /// Operators who ask for a reload; whoever serves answers them.
    pub(crate) fn asked(&self) -> Option<Receiver<admin::Reload>> {
        self.state.asked()
    }

    /// Counts a reload.
    pub(crate) fn reloaded(&self, taken: bool) {
        self.state.metrics.reloaded(taken);
    }

    /// Processes that want to take over.
    pub(crate) fn handing(&self) -> Option<Receiver<UnixStream>> {
        self.state.handing()
    }

    /// Hands the sockets to another process; whether it serves them now.
    pub(crate) async fn hand_over(&self, stream: UnixStream) -> bool {
        let given = match self.running.sockets() {
            Ok(sockets) => spawn_blocking(move || handover::give(stream, &sockets)).await,
            Err(error) => Ok(Err(error)),
        };
        match given {
            Ok(Ok(serves)) => serves,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a takeover came to nothing; serving on");
                false
            }
            Err(error) => {
                tracing::error!(%error, "a takeover ended by a panic; serving on");
                false
            }
        }
    }

    /// Leaves to the process that has taken over: as a stop, and kept connections learn of it with
    /// their next answer.
    pub(crate) fn retire(self) {
        self.end(Running::retire);
    }

    /// Stops: first the listeners, then what requests under way need, then the records.
    pub(crate) fn stop(self) {
        self.end(Running::stop);
    }

    fn end(self, how: fn(Running)) {
        self.state.ready.store(false, Ordering::Release);
        drop(self.renewing);
        how(self.running);
        self.admin.stop();
        if let Some(remote) = self.remote {
            remote.stop();
        }
        if let Some(scrape) = self.scrape {
            scrape.stop();
        }
        drop(self.door);
        if self.writer.join().is_err() {
            eprintln!("error: the record writer ended by a panic");
        }
        // only now is the last record in its outbox
        if let Some(exporter) = self.exporter {
            exporter.stop();
        }
    }
}

/// Has the metrics say how the stores that decide stand.
fn watch(door: &Arc<Door>) {
    let watched = Arc::downgrade(door);
    door.metrics.levels.watch(move |levels| {
        if let Some(door) = watched.upgrade() {
            door.live().driver.stores().tell(levels);
        }
    });
}

/// What listeners speak TLS with. The findings about its files were said when the estate was read; a
/// file that was replaced since may have others.
fn speak(
    declaration: &Declaration,
    folder: &Path,
    earlier: &Servers,
    challenges: &Arc<Challenges>,
) -> Result<(Servers, Expiries)> {
    let (materials, findings) = tls_files::read(declaration, folder, clock::now());
    if let Some(finding) = findings.iter().find(|finding| finding.is_error()) {
        bail!("{}: {}", finding.code, finding.message);
    }
    let mut expiries = Expiries::new();
    for (listener, material) in &materials {
        for (number, identity) in material.identities.iter().enumerate() {
            expiries.insert(format!("{listener}/{number}").into(), identity.facts().not_after);
        }
    }
    expiries.extend(operating::expiries(declaration, folder));
    let servers = handshake::servers(&materials, earlier, challenges);
    Ok((servers.map_err(|why| anyhow::anyhow!("TLS of {why}"))?, expiries))
}

/// What of a declaration is fixed at the start and differs.
fn fixed(old: &Declaration, new: &Declaration) -> Option<&'static str> {
    if old.admin != new.admin {
        return Some("admin");
    }
    if old.records != new.records {
        return Some("records");
    }
    (old.telemetry != new.telemetry).then_some("telemetry")
}

/// Keys the hashes of counters, so that nobody outside can aim at one.
fn seed() -> Result<u64> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("there is no randomness"))?;
    Ok(u64::from_be_bytes(bytes))
}
