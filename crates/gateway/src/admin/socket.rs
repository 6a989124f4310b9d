//! Where do operators of the same machine ask? On a Unix socket that only its owner may use, on a
//! thread of its own: a flood on the data path cannot silence it. Here alone the listening sockets
//! are handed to another process.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

use super::{Admin, text};
use crate::handover;

/// After a failed accept, wait this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What is answered here.
const KNOWN: &str = "/health, /ready, /revision, /metrics, /explain/ID; POST /reload, /takeover";

/// An admin door that listens; its socket file goes when it stops, or when it is dropped because
/// something else could not start.
#[derive(Debug)]
pub struct AdminDoor {
    socket: PathBuf,
    /// Where it was made: beside its place, where another process still has that.
    made: PathBuf,
    inode: u64,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl AdminDoor {
    /// Where it is.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Stops it.
    pub fn stop(self) {
        drop(self);
    }

    /// Takes its place, in one step: whoever asks is answered by the old process or by this one.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn take_place(&self) -> io::Result<()> {
        if self.made == self.socket { Ok(()) } else { std::fs::rename(&self.made, &self.socket) }
    }
}

impl Drop for AdminDoor {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
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
    clear(socket).map_err(|error| match takes_over {
        true => io::Error::new(error.kind(), format!("beside it, `{}`: {error}", socket.display())),
        false => error,
    })?;
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
    Ok(AdminDoor { socket: place, made: socket.to_owned(), inode, stop, thread: Some(thread) })
}

/// Removes a socket that nobody answers on any more; nothing but a socket.
fn clear(socket: &Path) -> io::Result<()> {
    let Ok(data) = std::fs::symlink_metadata(socket) else { return Ok(()) };
    if !data.file_type().is_socket() {
        let message = "something that is no socket stands there";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    if std::os::unix::net::UnixStream::connect(socket).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "it is in use by another process"));
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
                        (&Method::POST, "/takeover") => hand_over(&admin, request),
                        (method, path) => admin.answer(method, path, KNOWN).await,
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

/// Leaves HTTP, and hands the connection to whoever serves.
fn hand_over(admin: &Admin, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let asks = request.headers().get(UPGRADE).is_some_and(|value| value == handover::PROTOCOL);
    if !asks || !admin.ready.load(Ordering::Acquire) {
        let message = "nothing can be taken over: starting or stopping, or no upgrade asked\n";
        return text(StatusCode::CONFLICT, message.to_owned());
    }
    let hand = admin.hand.clone();
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
