//! When is a certificate ordered from its authority? When a listener that has one declared has none,
//! or one whose time comes. What was issued takes effect by a reload, as any other change does; a
//! failure is said and tried again, less and less often.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use portcullis_config::declaration::Acme;
use portcullis_gateway::Door;
use portcullis_gateway::admin::Admin;
use portcullis_runtime::acme::{Kept, order};
use portcullis_runtime::clock;
use portcullis_transport::tls::Challenges;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// How often it is looked whether a certificate is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After a first failure it is tried again after this, then after twice as long each time,
const PAUSE: Duration = Duration::from_secs(30);

/// at most this often doubled: four and a half hours, within what authorities allow.
const DOUBLINGS_MAX: u32 = 9;

/// Orders certificates until it is dropped.
#[derive(Debug)]
pub(crate) struct Renewing {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Renewing {
    /// Begins.
    pub(crate) fn start(
        door: Arc<Door>,
        admin: Arc<Admin>,
        folder: &Path,
        challenges: Arc<Challenges>,
        chance: u64,
    ) -> Result<Self> {
        let folder = folder.to_owned();
        let renewer = Renewer { door, admin, folder, challenges, chance, failed: BTreeMap::new() };
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = async move {
            tokio::select! {
                _ = stopped => {}
                () = renewer.work() => {}
            }
        };
        let thread = std::thread::Builder::new()
            .name("acme".to_owned())
            .spawn(move || runtime.block_on(work))
            .context("the thread that orders certificates")?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.stop.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            eprintln!("error: the renewal of certificates ended by a panic");
        }
    }
}

struct Renewer {
    door: Arc<Door>,
    admin: Arc<Admin>,
    folder: PathBuf,
    challenges: Arc<Challenges>,
    chance: u64,
    /// How often the order of a certificate failed in a row, and when it is tried again.
    failed: BTreeMap<PathBuf, (u32, Instant)>,
}

impl Renewer {
    async fn work(mut self) {
        let mut issued = false;
        loop {
            for acme in self.due() {
                issued |= self.order(&acme).await;
            }
            if issued {
                match self.admin.ask_reload().await {
                    Some((true, _)) => issued = false,
                    Some((false, said)) => {
                        tracing::error!("a new certificate does not take effect: {said}");
                        sleep(PAUSE).await;
                    }
                    None => {}
                }
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn due(&self) -> Vec<Acme> {
        let live = self.door.live();
        let listeners = live.snapshot().declaration.listeners.values();
        let declared = listeners.filter_map(|listener| listener.tls.as_ref()?.acme.as_ref());
        let due = declared.filter(|acme| {
            let waits = self.failed.get(&key(acme)).is_some_and(|(_, at)| Instant::now() < *at);
            let kept = Kept::read(&self.folder, acme);
            !waits && kept.is_none_or(|kept| kept.is_due(acme, clock::now(), self.chance))
        });
        due.cloned().collect()
    }

    async fn order(&mut self, acme: &Acme) -> bool {
        let names = acme.hosts.join(", ");
        match order(&self.folder, acme, &self.challenges).await {
            Ok(()) => {
                tracing::info!(%names, "a certificate was issued");
                self.failed.remove(&key(acme));
                true
            }
            Err(error) => {
                let (times, again) = self.failed.get(&key(acme)).copied().map_or_else(
                    || (0, PAUSE),
                    |(times, _)| (times, PAUSE.saturating_mul(1 << times.min(DOUBLINGS_MAX))),
                );
                tracing::error!(%names, %error, "no certificate; tried again in {again:?}");
                let at = Instant::now().checked_add(again).unwrap_or_else(Instant::now);
                self.failed.insert(key(acme), (times.saturating_add(1), at));
                false
            }
        }
    }
}

/// What is kept together fails together.
fn key(acme: &Acme) -> PathBuf {
    Path::new(&acme.store).join(acme.hosts.first().map_or("", String::as_str))
}
