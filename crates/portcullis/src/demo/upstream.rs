//! Upstreams that answer what they were asked, so that everybody sees what crossed; and the token
//! issuer's key set, which is served the same way.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};

/// A server of the demo.
#[derive(Debug)]
pub(super) struct Upstream {
    seen: Arc<AtomicUsize>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(super) enum Says {
    /// What was asked.
    Echo,
    /// Always this document.
    Document(String),
}

impl Upstream {
    /// Requests so far.
    pub(super) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    /// Serves on these sockets until the process ends.
    pub(super) fn start(sockets: Vec<TcpListener>, says: Says) -> Result<Self> {
        let seen = Arc::new(AtomicUsize::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let counter = Arc::clone(&seen);
        std::thread::Builder::new().name("upstream".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let mut servers = tokio::task::JoinSet::new();
                for socket in sockets {
                    servers.spawn(serve(socket, says.clone(), Arc::clone(&counter)));
                }
                while servers.join_next().await.is_some() {}
            });
        })?;
        Ok(Self { seen })
    }
}

/// Binds a socket of this machine; port 0 takes a free one.
pub(super) fn bind(port: u16) -> Result<(TcpListener, SocketAddr)> {
    let socket = TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port}"))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

async fn serve(socket: TcpListener, says: Says, seen: Arc<AtomicUsize>) {
    let Ok(socket) = tokio::net::TcpListener::from_std(socket) else { return };
    while let Ok((stream, _)) = socket.accept().await {
        let (says, seen) = (says.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                seen.fetch_add(1, Ordering::SeqCst);
                answer(request, says.clone())
            });
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection to the upstream ended");
            }
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    says: Says,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = match says {
        Says::Document(text) => text,
        Says::Echo => {
            let (parts, body) = request.into_parts();
            let body =
                body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let headers: Map<String, Value> = parts
                .headers
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())
                })
                .collect();
            json!({
                "upstream_saw": format!("{} {}", parts.method, parts.uri),
                "headers": headers,
                "body_bytes": body.len(),
            })
            .to_string()
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(text + "\n")));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}
