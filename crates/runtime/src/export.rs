//! Who tells the collector? One thread of its own: it takes decisions from the outbox, puts them into
//! the words of OTLP and hands them over, metrics every interval. Requests never wait for it.
//!
//! What cannot be delivered now is tried again with growing pauses, while the outbox drops its
//! oldest; what the collector refuses for good is dropped and counted. At the stop what is left is
//! delivered within one timeout.

mod outbox;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use portcullis_config::Declaration;
use portcullis_config::declaration::{Otlp, Signal};
use portcullis_model::Record;
use portcullis_telemetry::Metrics;
use portcullis_telemetry::otlp::{self, Export, Origin};
use portcullis_transport::fetch::FetchRules;
use portcullis_transport::post::Courier;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

pub use outbox::Outbox;

use crate::records::Follower;
use crate::stores::resolve;

/// Decisions in one export, as OpenTelemetry's batch processors have it.
const BATCH_MAX: usize = 512;

/// First and longest pause after an export that failed.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Largest answer of a collector, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Protobuf, as OTLP over HTTP has it.
const PROTOBUF: &str = "application/x-protobuf";

/// An exporter at work.
#[derive(Debug)]
pub struct Exporter {
    outbox: Outbox,
    origin: Arc<Mutex<Arc<Origin>>>,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Exporter {
    /// Starts the exporter that an estate declares, if it declares one.
    ///
    /// # Errors
    /// When a secret or the certificates cannot be read, or the thread cannot be started.
    pub fn start(
        declaration: &Declaration,
        folder: &Path,
        metrics: &Arc<Metrics>,
    ) -> io::Result<Option<Self>> {
        let Some(otlp) = &declaration.telemetry.otlp else { return Ok(None) };
        let wants = |signal| otlp.signals.contains(&signal);
        let outbox = Outbox::new(
            usize::try_from(otlp.queue_max).unwrap_or(usize::MAX),
            BATCH_MAX.min(usize::try_from(otlp.queue_max).unwrap_or(BATCH_MAX)),
            (wants(Signal::Traces), wants(Signal::Logs)),
            Arc::clone(metrics),
        );
        let origin = Origin { instance: instance()?, start_nanos: nanos(), ..named(declaration) };
        let origin = Arc::new(Mutex::new(Arc::new(origin)));
        let (stop, stopped) = watch::channel(false);
        let worker = Worker {
            otlp: otlp.clone(),
            courier: courier(otlp, folder).map_err(io::Error::other)?,
            outbox: outbox.clone(),
            origin: Arc::clone(&origin),
            metrics: Arc::clone(metrics),
            stopped,
            pause: PAUSE_MIN,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("export".to_owned())
            .spawn(move || runtime.block_on(worker.run()))?;
        Ok(Some(Self { outbox, origin, stop, thread }))
    }

    /// Where decisions are put.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// The names of another declaration of the same estate.
    pub fn renew(&self, declaration: &Declaration) {
        let mut origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner);
        let (instance, start_nanos) = (origin.instance.clone(), origin.start_nanos);
        *origin = Arc::new(Origin { instance, start_nanos, ..named(declaration) });
    }

    /// Delivers what is left, within one timeout, and ends.
    pub fn stop(self) {
        // without a receiver it has ended already
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the exporter ended by a panic");
        }
    }
}

/// Sees every record that was written: counts what it says, and has it exported where that is
/// declared.
#[derive(Debug)]
pub struct Observer {
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// Where it waits for the collector.
    pub outbox: Option<Outbox>,
}

impl Follower for Observer {
    fn follow(&mut self, record: Record) {
        self.metrics.recorded(&record);
        if let Some(outbox) = &self.outbox {
            outbox.put(record);
        }
    }
}

/// Why an export was not taken.
enum Undelivered {
    /// It may be later; perhaps it says when.
    Later(Option<Duration>),
    /// It never will.
    Refused,
}

struct Worker {
    otlp: Otlp,
    courier: Courier,
    outbox: Outbox,
    origin: Arc<Mutex<Arc<Origin>>>,
    metrics: Arc<Metrics>,
    stopped: watch::Receiver<bool>,
    pause: Duration,
}

impl Worker {
    async fn run(mut self) {
        let mut next = Instant::now() + self.otlp.interval;
        while !*self.stopped.borrow() {
            let (outbox, stopped) = (&self.outbox, &mut self.stopped);
            let due = tokio::select! {
                () = sleep_until(next) => true,
                () = outbox.filled() => false,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            if due {
                next = Instant::now() + self.otlp.interval;
                self.numbers().await;
            }
            self.decisions().await;
        }
        self.last().await;
    }

    /// Delivers whole exports, and what is left over at the end of an interval.
    async fn decisions(&mut self) {
        loop {
            let records = self.outbox.take();
            if records.is_empty() {
                return;
            }
            let origin = self.origin();
            for (signal, export) in self.exports(&origin, &records) {
                self.insist(signal, export).await;
            }
            if *self.stopped.borrow() || !self.outbox.is_full() {
                return;
            }
        }
    }

    fn exports(&self, origin: &Origin, records: &[Record]) -> Vec<(&'static str, Export)> {
        let traces = self.otlp.signals.contains(&Signal::Traces);
        let logs = self.otlp.signals.contains(&Signal::Logs);
        let traces = traces.then(|| otlp::traces(origin, records)).flatten();
        let logs = logs.then(|| otlp::logs(origin, records)).flatten();
        let exports = [("traces", traces), ("logs", logs)].into_iter();
        exports.filter_map(|(signal, export)| Some((signal, export?))).collect()
    }

    async fn numbers(&mut self) {
        if !self.otlp.signals.contains(&Signal::Metrics) {
            return;
        }
        let origin = self.origin();
        let Some(export) = otlp::metrics(&origin, &self.metrics.text(), nanos()) else { return };
        let items = export.items;
        // the next interval's say all that these do
        if self.deliver("metrics", &Bytes::from(export.body), items).await.is_err() {
            self.metrics.exports.dropped("metrics", items);
        }
    }

    /// Tries until it is taken, refused, or the process stops.
    async fn insist(&mut self, signal: &'static str, export: Export) {
        let (body, items) = (Bytes::from(export.body), export.items);
        loop {
            match self.deliver(signal, &body, items).await {
                Ok(()) => return self.pause = PAUSE_MIN,
                Err(Undelivered::Later(asked)) if !*self.stopped.borrow() => {
                    let pause = asked.unwrap_or_else(|| spread(self.pause)).min(PAUSE_MAX);
                    self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
                    tokio::select! {
                        () = sleep(pause) => {}
                        _ = self.stopped.wait_for(|stopped| *stopped) => {}
                    }
                }
                Err(Undelivered::Later(_) | Undelivered::Refused) => {
                    return self.metrics.exports.dropped(signal, items);
                }
            }
        }
    }

    async fn deliver(
        &mut self,
        signal: &'static str,
        body: &Bytes,
        items: u64,
    ) -> Result<(), Undelivered> {
        let path = format!("/v1/{signal}");
        let exports = &self.metrics.exports;
        let answer = match self.courier.post(&path, PROTOBUF, body.clone()).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(signal, %error, "the collector cannot be reached");
                exports.failed(signal);
                return Err(Undelivered::Later(None));
            }
        };
        if answer.status.is_success() {
            let rejected = otlp::rejected(&answer.body).min(items);
            exports.sent(signal, items.saturating_sub(rejected));
            exports.dropped(signal, rejected);
            return Ok(());
        }
        exports.failed(signal);
        tracing::warn!(signal, status = %answer.status, "the collector did not take an export");
        // these and no others may be tried again (OTLP 1.x, "Retryable Response Codes")
        let later = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        Err(match later.contains(&answer.status) {
            true => Undelivered::Later(answer.retry_after),
            false => Undelivered::Refused,
        })
    }

    /// What is left goes out within one timeout; the rest is counted as dropped.
    async fn last(mut self) {
        let deadline = Instant::now() + self.otlp.timeout;
        loop {
            let records = self.outbox.take();
            if records.is_empty() {
                break;
            }
            let origin = self.origin();
            let all = async {
                for (signal, export) in self.exports(&origin, &records) {
                    self.insist(signal, export).await;
                }
            };
            if timeout_at(deadline, all).await.is_err() {
                self.outbox.dropped(&records);
                tracing::warn!(records = records.len(), "the last exports took too long");
            }
        }
        if timeout_at(deadline, self.numbers()).await.is_err() {
            tracing::warn!("the last metrics took too long");
        }
    }

    fn origin(&self) -> Arc<Origin> {
        Arc::clone(&self.origin.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Between half of a pause and all of it, so that processes do not come back together.
fn spread(pause: Duration) -> Duration {
    let mut byte = [0];
    let random =
        aws_lc_rs::rand::fill(&mut byte).map_or(0, |()| u32::from(u8::from_be_bytes(byte)));
    pause / 2 + (pause / 2).saturating_mul(random) / 256
}

fn courier(otlp: &Otlp, folder: &Path) -> Result<Courier, String> {
    let mut headers = HeaderMap::new();
    for (name, secret) in &otlp.headers {
        let of = |why: String| format!("header `{name}` of the collector: {why}");
        let bytes = resolve(secret, folder).map_err(of)?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| of(e.to_string()))?;
        let mut value = HeaderValue::from_bytes(&bytes).map_err(|e| of(e.to_string()))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let rules = FetchRules {
        allow_addresses: otlp.allow_addresses.clone(),
        deadline: otlp.timeout,
        bytes_max: ANSWER_BYTES_MAX,
    };
    let roots = otlp.roots.as_ref().map(|file| folder.join(file));
    let courier = Courier::new(&otlp.endpoint, headers, rules, roots.as_deref());
    courier.map_err(|error| error.to_string())
}

/// The names of a declaration; what belongs to the process is left out.
fn named(declaration: &Declaration) -> Origin {
    let secure = declaration.listeners.iter().filter(|(_, listener)| listener.tls.is_some());
    // of several addresses nobody but the pool knows which one was asked
    let upstreams = declaration.upstreams.iter().filter_map(|(id, upstream)| {
        let [only] = upstream.addresses.as_slice() else { return None };
        Some((id.clone(), (only.host.clone(), only.port)))
    });
    Origin {
        estate: declaration.estate.clone(),
        secure: secure.map(|(id, _)| id.clone()).collect(),
        upstreams: upstreams.collect(),
        ..Origin::default()
    }
}

fn instance() -> io::Result<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("there is no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn nanos() -> u64 {
    crate::clock::now().as_millis().saturating_mul(1_000_000)
}
