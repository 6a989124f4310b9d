//! What does a real server see behind the guard?

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use portcullis_transport::guarded::{Connection, Deadlines, GuardedStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::BOUNDS;
use crate::plain::Seen;

/// Long enough that no deadline ends a test.
const DEADLINES: Deadlines = Deadlines {
    head: Duration::from_secs(60),
    idle: Duration::from_secs(60),
    write: Duration::from_secs(60),
};

/// Whatever is sent, the connection is over by then.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Log {
    seen: Vec<Seen>,
    refused: Option<usize>,
}

/// All requests that the server saw, and which of them stands for a refusal.
pub(crate) async fn served(pieces: &[Vec<u8>]) -> (Vec<Seen>, Option<usize>) {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let guarded = GuardedStream::new(server, BOUNDS, DEADLINES);
    let connection = guarded.connection();
    let log: Arc<Mutex<Log>> = Arc::default();
    let service = {
        let log = Arc::clone(&log);
        service_fn(move |request| answer(request, Arc::clone(&log), Arc::clone(&connection)))
    };
    // as the gateway builds it
    let server = http1::Builder::new()
        .max_headers(BOUNDS.headers_max + 1)
        .serve_connection(TokioIo::new(guarded), service);
    let client = async move {
        for piece in pieces {
            if client.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        // either end may be gone already; what the server saw is what counts
        let _closed: std::io::Result<()> = client.shutdown().await;
        let _answers: std::io::Result<usize> = client.read_to_end(&mut Vec::new()).await;
    };
    let both = async { tokio::join!(server, client) };
    let (_ended, ()) = tokio::time::timeout(PATIENCE, both).await.expect("a connection ends");
    let log = std::mem::take(&mut *log.lock().unwrap());
    (log.seen, log.refused)
}

async fn answer(
    request: Request<Incoming>,
    log: Arc<Mutex<Log>>,
    connection: Arc<Connection>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
        .collect();
    headers.sort();
    let at = {
        let mut log = log.lock().unwrap();
        let at = log.seen.len();
        if connection.refused_head(u64::try_from(at + 1).unwrap()).is_some() {
            log.refused = Some(at);
        }
        log.seen.push(Seen {
            method: parts.method.to_string(),
            target: parts.uri.to_string(),
            version: format!("{:?}", parts.version),
            headers,
            body: None,
        });
        at
    };
    if let Ok(body) = body.collect().await {
        log.lock().unwrap().seen[at].body = Some(body.to_bytes());
    }
    connection.answered();
    Ok(Response::new(Full::new(Bytes::new())))
}
