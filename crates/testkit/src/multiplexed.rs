//! An upstream that speaks HTTP/2: a real one (hyper), and one that sends the frames it is given.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::h2raw::{self, HEADERS, PREFACE, SETTINGS};

/// An upstream that speaks HTTP/2 by prior knowledge. It answers 200 with the target that was asked
/// for, and with two trailers: `grpc-status: 0` and `x-secret: 1`.
#[derive(Clone, Debug)]
pub struct Http2Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
    connections: Arc<AtomicUsize>,
}

impl Http2Upstream {
    /// Listens on a free port of this machine until the test ends.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let server = upstream.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            listener.set_nonblocking(true).unwrap();
            runtime.unwrap().block_on(server.serve(listener));
        });
        upstream
    }

    /// What it saw since it was last asked.
    #[must_use]
    pub fn take(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn serve(self, listener: TcpListener) {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            self.connections.fetch_add(1, Ordering::SeqCst);
            let server = self.clone();
            let service = service_fn(move |request| server.clone().answer(request));
            tokio::spawn(
                http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    }

    async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible>
    {
        let (parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let body = body.collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
        self.seen.lock().unwrap().push(Request::from_parts(parts, body));
        let text = Bytes::from(format!("{{\"target\":\"{target}\"}}"));
        let body = Full::new(text).with_trailers(async {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            trailers.insert("x-secret", HeaderValue::from_static("1"));
            Some(Ok(trailers))
        });
        Ok(Response::new(body))
    }
}

/// An upstream that answers every head of a request with frames that are made for its stream; counts
/// the heads.
#[must_use]
pub fn raw(frames: fn(u32) -> Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads: Arc<AtomicUsize> = Arc::default();
    let counted = Arc::clone(&heads);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heads = Arc::clone(&counted);
            std::thread::spawn(move || serve(stream, frames, &heads));
        }
    });
    (address, heads)
}

fn serve(mut stream: TcpStream, frames: fn(u32) -> Vec<u8>, heads: &AtomicUsize) -> Option<()> {
    stream.read_exact(&mut [0; PREFACE.len()]).ok()?;
    stream.write_all(&h2raw::frame(SETTINGS, 0, 0, &[])).ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let [high, middle, low, kind, flags, id @ ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).ok()?;
        match kind {
            SETTINGS if flags & 1 == 0 => {
                stream.write_all(&h2raw::frame(SETTINGS, 1, 0, &[])).ok()?;
            }
            HEADERS => {
                heads.fetch_add(1, Ordering::SeqCst);
                stream.write_all(&frames(u32::from_be_bytes(id))).ok()?;
            }
            _ => {}
        }
    }
}
