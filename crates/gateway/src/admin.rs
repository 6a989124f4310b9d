//! What can operators ask? Health, readiness, metrics and why a decision fell, on a Unix socket
//! that only its owner may use, on a thread of its own: a flood on the data path cannot silence it.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portcullis_model::RecordId;
use portcullis_runtime::archive;
use portcullis_telemetry::Metrics;
use tokio::net::UnixListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{oneshot, watch};

use crate::scrape::exposition;

/// After a failed accept, wait this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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

/// An admin door that listens; its socket file goes when it stops.
#[derive(Debug)]
pub struct AdminDoor {
    socket: PathBuf,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl AdminDoor {
    /// Where it is.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Stops it.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the admin door ended by a panic");
        }
        if let Err(error) = std::fs::remove_file(&self.socket) {
            tracing::debug!(%error, "the admin socket was gone already");
        }
    }
}

/// Listens on the socket.
///
/// # Errors
/// When the socket is in use or cannot be made.
pub fn start(admin: Arc<Admin>, socket: &Path) -> io::Result<AdminDoor> {
    if let Some(folder) = socket.parent() {
        std::fs::create_dir_all(folder)?;
    }
    clear(socket)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _context = runtime.enter();
        UnixListener::bind(socket)?
    };
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    let (stop, stopped) = watch::channel(false);
    let thread = std::thread::Builder::new()
        .name("admin".to_owned())
        .spawn(move || runtime.block_on(listen(admin, listener, stopped)))?;
    Ok(AdminDoor { socket: socket.to_owned(), stop, thread })
}

/// Removes a socket that nobody answers on any more; nothing but a socket.
fn clear(socket: &Path) -> io::Result<()> {
    let Ok(data) = std::fs::symlink_metadata(socket) else { return Ok(()) };
    if !data.file_type().is_socket() {
        let message = format!("`{}` is there and is no socket", socket.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    if std::os::unix::net::UnixStream::connect(socket).is_ok() {
        let message = format!("`{}` is in use by another process", socket.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
    }
    std::fs::remove_file(socket)
}

async fn listen(admin: Arc<Admin>, listener: UnixListener, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let Ok((stream, _)) = accepted else {
            // no file descriptors are left; asking again at once would only burn time
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let admin = Arc::clone(&admin);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let admin = Arc::clone(&admin);
                async move {
                    let (method, path) = (request.method(), request.uri().path());
                    Ok::<_, Infallible>(match (method, path) {
                        (&Method::POST, "/reload") => admin.reload().await,
                        (method, path) => admin.answer(method, path),
                    })
                }
            });
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = served.await {
                tracing::debug!(%error, "an admin connection ended");
            }
        });
    }
}

impl Admin {
    /// What an admin door over these records and metrics answers from; not ready yet.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, records: PathBuf) -> Self {
        let (ask, asked) = channel(1);
        Self {
            metrics,
            ready: AtomicBool::new(false),
            records,
            revision: Mutex::new(Arc::from("")),
            ask,
            asked: Mutex::new(Some(asked)),
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

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET {
            return text(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET is answered here, and POST of /reload\n".to_owned(),
            );
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
                None => text(
                    StatusCode::NOT_FOUND,
                    "known: /health, /ready, /revision, /metrics, /explain/ID; POST /reload\n"
                        .to_owned(),
                ),
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
