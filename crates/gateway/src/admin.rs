//! What can operators ask? Health, readiness, metrics and why a decision fell, on a Unix socket
//! that only its owner may use, on a thread of its own: a flood on the data path cannot silence it.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portcullis_model::RecordId;
use portcullis_runtime::archive;
use portcullis_telemetry::Metrics;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{oneshot, watch};

use crate::handover;
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

/// An admin door that listens; its socket file goes when it stops.
#[derive(Debug)]
pub struct AdminDoor {
    socket: PathBuf,
    /// Where it was made: beside its place, where another process still has that.
    made: PathBuf,
    inode: u64,
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
        for path in [&self.made, &self.socket] {
            // whoever took over has a socket of its own in this place
            let is_ours = std::fs::symlink_metadata(path).is_ok_and(|it| it.ino() == self.inode);
            if is_ours && let Err(error) = std::fs::remove_file(path) {
                tracing::debug!(%error, "the admin socket was gone already");
            }
        }
    }

    /// Takes its place, in one step: whoever asks is answered by the old process or by this one.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn take_place(&self) -> io::Result<()> {
        if self.made == self.socket { Ok(()) } else { std::fs::rename(&self.made, &self.socket) }
    }
}

/// Listens on the socket. Where another process still answers there (`takes_over`), it is made beside
/// it and waits for [`AdminDoor::take_place`].
///
/// # Errors
/// When the socket is in use or cannot be made.
pub fn start(admin: Arc<Admin>, socket: &Path, takes_over: bool) -> io::Result<AdminDoor> {
    let place = socket.to_owned();
    let beside = socket.with_extension("next");
    let socket = if takes_over { beside.as_path() } else { socket };
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
    let inode = std::fs::symlink_metadata(socket)?.ino();
    Ok(AdminDoor { socket: place, made: socket.to_owned(), inode, stop, thread })
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
                        (&Method::POST, "/takeover") => admin.hand_over(request),
                        (&Method::POST, "/reload") => admin.reload().await,
                        (method, path) => admin.answer(method, path),
                    })
                }
            });
            let served = http1::Builder::new()
                .half_close(true)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
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

    /// Leaves HTTP, and hands the connection to whoever serves.
    fn hand_over(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let asks = request.headers().get(UPGRADE).is_some_and(|value| value == handover::PROTOCOL);
        if !asks || !self.ready.load(Ordering::Acquire) {
            let message = "nothing can be taken over: starting or stopping, or no upgrade asked\n";
            return text(StatusCode::CONFLICT, message.to_owned());
        }
        let hand = self.hand.clone();
        tokio::spawn(async move {
            if let Err(why) = upgraded(request, &hand).await {
                tracing::warn!(%why, "a takeover came to nothing");
            }
        });
        let mut response = text(StatusCode::SWITCHING_PROTOCOLS, String::new());
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static(handover::PROTOCOL));
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        response
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
                    "known: /health, /ready, /revision, /metrics, /explain/ID; POST /reload, /takeover\n"
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

/// The connection itself, once HTTP is left.
async fn upgraded(
    request: Request<Incoming>,
    hand: &Sender<std::os::unix::net::UnixStream>,
) -> Result<(), String> {
    let upgraded = hyper::upgrade::on(request).await.map_err(|error| error.to_string())?;
    let parts = upgraded
        .downcast::<TokioIo<UnixStream>>()
        .map_err(|_| "the connection is of another kind".to_owned())?;
    if !parts.read_buf.is_empty() {
        return Err("something was said too early".to_owned());
    }
    let stream = parts.io.into_inner().into_std().map_err(|error| error.to_string())?;
    hand.try_send(stream).map_err(|_| "another takeover is under way".to_owned())
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let value = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}
