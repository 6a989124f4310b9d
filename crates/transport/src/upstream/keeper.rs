//! Who looks names up and asks for health, while workers carry requests? One thread of its own for
//! all upstreams of a process. What it does for an upstream ends when nobody wants it tended any
//! more, and all of it when the keeper is dropped.

use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::checks;
use super::observer::Event;
use super::resolve::{self, Known, Unresolved};
use super::shared::Upstream;

/// How often endpoints are counted.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// After a lookup that failed, wait no longer than this.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The thread.
#[derive(Debug)]
pub struct Keeper {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An upstream that is tended.
#[derive(Debug)]
#[must_use = "dropped, the upstream is not tended any more"]
pub struct Tended(Vec<AbortHandle>);

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("upstreams".to_owned()).spawn(move || {
            if runtime.block_on(stopped).is_err() {
                tracing::debug!("the keeper of upstreams is gone");
            }
            // a lookup may hang in the system; nobody waits for it
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Tends an upstream for as long as what is returned, and the upstream, are held.
    pub fn tend(&self, upstream: &Arc<Upstream>) -> Tended {
        let mut tasks = vec![
            self.handle.spawn(names(Arc::downgrade(upstream))).abort_handle(),
            self.handle.spawn(counts(Arc::downgrade(upstream))).abort_handle(),
        ];
        if upstream.target().health.is_some() {
            let weak = Arc::downgrade(upstream);
            let checks = self.handle.spawn(async move {
                if let Some(upstream) = weak.upgrade() {
                    upstream.wait_until_known(upstream.target().timeouts.connect).await;
                }
                checks::run(weak).await;
            });
            tasks.push(checks.abort_handle());
        }
        Tended(tasks)
    }
}

impl Drop for Tended {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take()
            && stop.send(()).is_err()
        {
            tracing::debug!("the keeper of upstreams had ended");
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the keeper of upstreams ended by a panic");
        }
    }
}

/// Looks names up until the upstream is gone.
async fn names(upstream: Weak<Upstream>) {
    let mut known: Vec<Known> = match upstream.upgrade() {
        Some(upstream) => upstream.target().authorities.iter().cloned().map(Known::new).collect(),
        None => return,
    };
    loop {
        let Some(upstream) = upstream.upgrade() else { return };
        let failed = look_up(&upstream, &mut known).await;
        if known.iter().all(Known::is_fixed) {
            return;
        }
        let refresh = upstream.target().resolve.refresh;
        drop(upstream);
        sleep(if failed { refresh.min(AGAIN_AFTER) } else { refresh }).await;
    }
}

/// Looks all names up once, side by side; whether any lookup failed.
async fn look_up(upstream: &Arc<Upstream>, known: &mut [Known]) -> bool {
    let mut lookups = JoinSet::new();
    for (index, one) in known.iter().enumerate() {
        let (upstream, authority) = (Arc::clone(upstream), one.authority().clone());
        lookups.spawn(async move {
            let class = &upstream.target().class;
            let found = resolve::addresses(&authority, class, upstream.resolver.as_ref()).await;
            (index, found)
        });
    }
    let mut failed = false;
    while let Some(done) = lookups.join_next().await {
        let Ok((index, found)) = done else { continue };
        match &found {
            Ok(_) => {}
            Err(Unresolved::Refused(why)) => {
                tracing::warn!(why, "an address of an upstream is refused");
                upstream.saw(Event::AddressRefused);
            }
            Err(Unresolved::Failed(why)) => tracing::warn!(why, "a name of an upstream"),
        }
        failed |= found.is_err();
        if let Some(one) = known.get_mut(index) {
            one.learn(found, upstream.target().resolve.keep_for, Instant::now());
        }
    }
    upstream.learn(known);
    failed
}

/// Counts endpoints until the upstream is gone.
async fn counts(upstream: Weak<Upstream>) {
    let mut last = None;
    loop {
        let Some(upstream) = upstream.upgrade() else { return };
        let now = upstream.counts();
        if last.replace(now) != Some(now) {
            upstream.saw(Event::Endpoints(now));
        }
        drop(upstream);
        sleep(COUNT_EVERY).await;
    }
}
