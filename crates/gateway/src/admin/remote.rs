//! Where do operators of other machines ask? At a declared address, over TLS 1.3, with a client
//! certificate: only who is named in the declaration is answered, judged anew for every request, since
//! a connection may live longer than a certificate or the trust in its authority.
//!
//! Requests are read as at listeners, by the same guard over the raw bytes. Nothing is answered that
//! hands over sockets, no body is taken, and no page in a browser is answered, whose requests are made
//! with its user's certificate. Everything is bounded by constants: no declaration can widen a door
//! for few. What is asked is logged with who asked.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{CONNECTION, ORIGIN};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portcullis_identity::certificate::Named;
use portcullis_reading::http1::Bounds;
use portcullis_runtime::clock;
use portcullis_transport::guarded::{Connection, Deadlines, GuardedStream};
use portcullis_transport::listen;
use portcullis_transport::tls::{Accepted, Peer, Server, accept};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{Admin, text};
use crate::connections::Connections;
use crate::seldom::Seldom;

/// Connections at once, of all operators, and from one address.
pub const CONNECTIONS_MAX: u32 = 64;
const CONNECTIONS_PER_ADDRESS_MAX: u32 = 8;

/// A connection is closed after this, however it behaves.
const CONNECTION_MAX: Duration = Duration::from_secs(300);

/// Longest handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// Bounds of a head.
const HEAD: Bounds = Bounds { head_bytes_max: 8192, headers_max: 32, target_bytes_max: 1024 };

/// Deadlines of a connection.
const DEADLINES: Deadlines = Deadlines {
    head: Duration::from_secs(5),
    idle: Duration::from_secs(30),
    write: Duration::from_secs(10),
};

/// After a failed accept, wait this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What is answered here.
const KNOWN: &str = "/health, /ready, /revision, /metrics, /explain/ID; POST /reload";

/// An address that answers operators.
#[derive(Debug)]
pub struct Remote {
    /// Where, port 0 resolved.
    pub address: SocketAddr,
    desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// What all its connections share.
#[derive(Debug)]
struct Desk {
    admin: Arc<Admin>,
    server: ArcSwap<Server>,
    operators: Named,
    seldom: Seldom,
}

impl Remote {
    /// Answers these operators at an address; `shared` with the process that it is taken over from.
    ///
    /// # Errors
    /// When the address cannot be bound or the thread cannot be started.
    pub fn start(
        admin: Arc<Admin>,
        address: SocketAddr,
        operators: Named,
        server: Server,
        shared: bool,
    ) -> io::Result<Self> {
        if !shared {
            listen::is_free(address)?;
        }
        let socket = listen::bind(address)?;
        let address = socket.local_addr()?;
        let server = ArcSwap::from_pointee(server);
        let desk = Arc::new(Desk { admin, server, operators, seldom: Seldom::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::clone(&desk);
        let thread = std::thread::Builder::new()
            .name("operators".to_owned())
            .spawn(move || runtime.block_on(listen(shared, socket, stopped)))?;
        Ok(Self { address, desk, stop, thread })
    }

    /// What it speaks TLS with now.
    #[must_use]
    pub fn server(&self) -> Arc<Server> {
        self.desk.server.load_full()
    }

    /// Speaks TLS with something else from now on; connections that are open are judged by it with
    /// their next request.
    pub fn renew(&self, server: Server) {
        self.desk.server.store(Arc::new(server));
    }

    /// Stops.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the door for operators ended by a panic");
        }
    }
}

async fn listen(desk: Arc<Desk>, socket: StdListener, mut stopped: watch::Receiver<bool>) {
    let socket = match TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "operators cannot be answered"),
    };
    let connections = Connections::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX);
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let peer = peer.ip().to_canonical();
        // whoever comes when all seats are taken finds the door closed
        let Some(seat) = connections.enter(peer) else { continue };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            if timeout(CONNECTION_MAX, desk.serve(stream, peer)).await.is_err() {
                tracing::debug!(%peer, "a connection of an operator had its time");
            }
            drop(seat);
        });
    }
}

/// Who asks, over one connection.
struct Asker {
    desk: Arc<Desk>,
    peer: IpAddr,
    certificate: Arc<Peer>,
    wire: Arc<Connection>,
    requests: AtomicU64,
}

impl Desk {
    async fn serve(self: Arc<Self>, stream: TcpStream, peer: IpAddr) {
        let server = self.server.load_full();
        let opened = accept(&server, stream, HANDSHAKE_MAX).await;
        let (stream, certificate) = match opened {
            Ok(Accepted { stream, peer: Some(certificate), .. }) => (stream, certificate),
            // cannot be: the handshake asks for one
            Ok(Accepted { peer: None, .. }) => return,
            Err(error) => {
                self.admin.metrics.handshakes_failed.inc();
                if let Some(left_out) = self.seldom.turn(Instant::now()) {
                    tracing::warn!(%peer, %error, left_out, "no handshake at the admin address");
                }
                return;
            }
        };
        let guarded = GuardedStream::new(stream, HEAD, DEADLINES);
        let wire = guarded.connection();
        let asker = Asker { desk: self, peer, certificate, wire, requests: AtomicU64::new(0) };
        let asker = Arc::new(asker);
        let service = service_fn(move |request| {
            let asker = Arc::clone(&asker);
            async move { Ok::<_, Infallible>(asker.ask(&request).await) }
        });
        let served = http1::Builder::new()
            .max_headers(HEAD.headers_max.saturating_add(1))
            .serve_connection(TokioIo::new(guarded), service);
        if let Err(error) = served.await {
            tracing::debug!(%peer, %error, "a connection of an operator ended");
        }
    }
}

impl Asker {
    async fn ask(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut response = match self.judge(number, request) {
            Ok(operator) => self.answer(operator, request).await,
            Err((status, why)) => {
                if let Some(left_out) = self.desk.seldom.turn(Instant::now()) {
                    let (peer, status) = (self.peer, status.as_u16());
                    tracing::warn!(%peer, status, why, left_out, "refused at the admin address");
                }
                let mut response = text(status, format!("{why}\n"));
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
        };
        response.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
        self.wire.answered();
        response
    }

    /// Who asks, if this is to be answered.
    fn judge(
        &self,
        number: u64,
        request: &Request<Incoming>,
    ) -> Result<&str, (StatusCode, String)> {
        let server = self.desk.server.load();
        let shown = self.certificate.shown(server.trust(), clock::now());
        let certificate = shown.map_err(|refused| (StatusCode::FORBIDDEN, refused.detail))?;
        let operator = self.desk.operators.holder(&certificate).ok_or_else(|| {
            let facts = certificate.facts();
            let (uris, dns) = (facts.uris.join(" "), facts.dns.join(" "));
            (StatusCode::FORBIDDEN, format!("no operator: [{uris}] [{dns}]"))
        })?;
        if let Some(violation) = self.wire.refused_head(number) {
            let status = StatusCode::from_u16(violation.reason.status());
            return Err((status.unwrap_or(StatusCode::BAD_REQUEST), violation.detail));
        }
        if request.headers().contains_key(ORIGIN)
            || request.headers().contains_key("sec-fetch-site")
        {
            return Err((StatusCode::FORBIDDEN, "pages are not answered".to_owned()));
        }
        if request.uri().query().is_some() || request.uri().authority().is_some() {
            return Err((StatusCode::BAD_REQUEST, "a path without query, no more".to_owned()));
        }
        if !request.body().is_end_stream() {
            return Err((StatusCode::BAD_REQUEST, "no request here has a body".to_owned()));
        }
        Ok(operator)
    }

    async fn answer(&self, operator: &str, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let (method, path) = (request.method(), request.uri().path());
        let response = self.desk.admin.answer(method, path, KNOWN).await;
        let (peer, status) = (self.peer, response.status().as_u16());
        tracing::info!(%peer, operator, %method, path, status, "an operator was answered");
        response
    }
}
