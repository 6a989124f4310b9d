//! What can operators ask, and what are they answered? Health, readiness, metrics, why a decision
//! fell, and a reload. Where they ask is another question: [`socket`] is for the owner of the process,
//! [`remote`] for operators elsewhere who prove who they are.

pub mod remote;
pub mod socket;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use portcullis_model::RecordId;
use portcullis_runtime::archive;
use portcullis_telemetry::Metrics;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use crate::scrape::exposition;

/// What the admin door answers from.
#[derive(Debug)]
pub struct Admin {
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Whether a valid snapshot decides.
    pub ready: AtomicBool,
    /// Folder of the records.
    pub records: PathBuf,
    revision: Mutex<Arc<str>>,
    ask: Sender<Reload>,
    asked: Mutex<Option<Receiver<Reload>>>,
    hand: Sender<std::os::unix::net::UnixStream>,
    handing: Mutex<Option<Receiver<std::os::unix::net::UnixStream>>>,
}

/// An operator asks for a reload and waits for what comes of it.
#[derive(Debug)]
pub struct Reload(oneshot::Sender<(bool, String)>);

impl Reload {
    /// Answers: whether it was taken, and what there is to say.
    pub fn done(self, taken: bool, said: String) {
        if self.0.send((taken, said)).is_err() {
            tracing::debug!("whoever asked for a reload is gone");
        }
    }
}

impl Admin {
    /// What an admin door over these records and metrics answers from; not ready yet.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, records: PathBuf) -> Self {
        let (ask, asked) = channel(1);
        let (hand, handing) = channel(1);
        Self {
            metrics,
            ready: AtomicBool::new(false),
            records,
            revision: Mutex::new(Arc::from("")),
            ask,
            asked: Mutex::new(Some(asked)),
            hand,
            handing: Mutex::new(Some(handing)),
        }
    }

    /// Notes which revision decides.
    pub fn decides(&self, revision: &Arc<str>) {
        *self.revision.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(revision);
    }

    /// Operators who ask for a reload; whoever calls first answers them.
    #[must_use]
    pub fn asked(&self) -> Option<Receiver<Reload>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Processes that want to take over, each by its connection; whoever calls first answers them
    /// with [`crate::handover::give`].
    #[must_use]
    pub fn handing(&self) -> Option<Receiver<std::os::unix::net::UnixStream>> {
        self.handing.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Asks for a reload and waits for what comes of it: whether it was taken, and what there is to
    /// say. Nothing where another one waits already, or nobody reloads.
    pub async fn ask_reload(&self) -> Option<(bool, String)> {
        let (answer, answered) = oneshot::channel();
        // one reload at a time, and one more that waits
        self.ask.try_send(Reload(answer)).ok()?;
        answered.await.ok()
    }

    async fn reload(&self) -> Response<Full<Bytes>> {
        match self.ask_reload().await {
            Some((true, said)) => text(StatusCode::OK, said),
            Some((false, said)) => text(StatusCode::CONFLICT, said),
            None => {
                let message = "another reload is waiting, or nobody reloads here\n".to_owned();
                text(StatusCode::SERVICE_UNAVAILABLE, message)
            }
        }
    }

    fn revision(&self) -> String {
        let revision = self.revision.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{revision}\n")
    }

    /// Answers; `known` is what is answered at this door.
    async fn answer(&self, method: &Method, path: &str, known: &str) -> Response<Full<Bytes>> {
        if (method, path) == (&Method::POST, "/reload") {
            return self.reload().await;
        }
        if method != Method::GET {
            let message = "only GET is answered here, and POST of /reload\n".to_owned();
            return text(StatusCode::METHOD_NOT_ALLOWED, message);
        }
        match path {
            "/health" => text(StatusCode::OK, "alive\n".to_owned()),
            "/ready" if self.ready.load(Ordering::Acquire) => {
                text(StatusCode::OK, "ready\n".to_owned())
            }
            "/ready" => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "not serving: starting or stopping\n".to_owned(),
            ),
            "/revision" => text(StatusCode::OK, self.revision()),
            "/metrics" => exposition(&self.metrics),
            _ => match path.strip_prefix("/explain/") {
                Some(id) => self.explain(&RecordId::new(id)),
                None => text(StatusCode::NOT_FOUND, format!("known: {known}\n")),
            },
        }
    }

    fn explain(&self, id: &RecordId) -> Response<Full<Bytes>> {
        match archive::find(&self.records, id) {
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
            Ok(found) if found.is_empty() => {
                text(StatusCode::NOT_FOUND, format!("no record of `{id}` is kept\n"))
            }
            Ok(found) => text(StatusCode::OK, archive::explain(&found)),
        }
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let value = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}
