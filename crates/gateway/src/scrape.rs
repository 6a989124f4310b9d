//! Where can Prometheus ask over the network? A declared TCP address that answers `GET /metrics` and
//! nothing else, to whoever can reach it, on a thread of its own; the admin socket answers the same.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
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
use portcullis_telemetry::Metrics;
use portcullis_transport::listen;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Connections at once; Prometheus needs one.
const CONNECTIONS_MAX: usize = 16;

/// A connection is closed after this, however it behaves; Prometheus opens another.
const CONNECTION_MAX: Duration = Duration::from_secs(300);

/// After a failed accept, wait this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An address that answers.
#[derive(Debug)]
pub struct Scrape {
    /// Where, port 0 resolved.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Scrape {
    /// Answers with these metrics at an address; `shared` with the process that it is taken over
    /// from.
    ///
    /// # Errors
    /// When the address cannot be bound or the thread cannot be started.
    pub fn start(address: SocketAddr, metrics: Arc<Metrics>, shared: bool) -> io::Result<Self> {
        if !shared {
            listen::is_free(address)?;
        }
        let socket = listen::bind(address)?;
        let address = socket.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || runtime.block_on(listen(socket, metrics, stopped)))?;
        Ok(Self { address, stop, thread })
    }

    /// Stops.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the door of the metrics ended by a panic");
        }
    }
}

async fn listen(socket: StdListener, metrics: Arc<Metrics>, mut stopped: watch::Receiver<bool>) {
    let socket = match TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "metrics cannot be answered"),
    };
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let Ok((stream, _)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // whoever comes when all are taken finds the door closed
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else { continue };
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            if timeout(CONNECTION_MAX, serve(stream, metrics)).await.is_err() {
                tracing::debug!("a connection to the metrics had its time");
            }
            drop(seat);
        });
    }
}

async fn serve(stream: TcpStream, metrics: Arc<Metrics>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = answer(&metrics, request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(response) }
    });
    // whoever has asked and ends its side is answered all the same
    let served =
        http1::Builder::new().half_close(true).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to the metrics ended");
    }
}

/// The metrics, as OpenMetrics.
pub(crate) fn exposition(metrics: &Metrics) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(metrics.text())));
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(openmetrics));
    response
}

fn answer(metrics: &Metrics, method: &Method, path: &str) -> Response<Full<Bytes>> {
    match (method, path) {
        (&Method::GET, "/metrics") => exposition(metrics),
        _ => {
            let mut response =
                Response::new(Full::new(Bytes::from_static(b"known: GET /metrics\n")));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}
