//! How is a request carried to an upstream? Over a pool of HTTP/1.1 connections of one worker,
//! with a deadline for everything.
//!
//! A connection is used again only when its last answer was read whole. A request is sent a second
//! time only if it was never written, or if it may be repeated (RFC 9110 section 9.2.2) and failed
//! on a connection that had waited; and then once.

use std::collections::VecDeque;
use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep, timeout};

use crate::answered::{AnsweredStream, Asked};

/// A connection that waited longer is not used again.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Most headers of an answer, and its largest head in bytes.
const HEADERS_MAX: usize = 128;
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Where, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Longest time to connect, and to wait for a free connection.
    pub connect_timeout: Duration,
    /// Longest time from sending to the head of the answer.
    pub response_timeout: Duration,
    /// Longest silence within the body of the answer.
    pub idle_timeout: Duration,
    /// Most connections at once.
    pub connections_max: usize,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection, or it broke before an answer.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// Too slow.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Not one unambiguous answer.
    #[error("invalid answer: {0}")]
    Invalid(String),
}

/// Connections to one upstream.
#[derive(Debug)]
pub struct Pool {
    target: Target,
    idle: Mutex<VecDeque<(Line, Instant)>>,
    slots: Arc<Semaphore>,
}

/// One connection: where requests go in, and what was asked on it.
#[derive(Debug)]
struct Line {
    sender: SendRequest<Full<Bytes>>,
    asked: Asked,
}

impl Line {
    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        self.asked.ask(*request.method() == Method::HEAD);
        self.sender.try_send_request(request).await
    }
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(target: Target) -> Arc<Self> {
        let slots = Arc::new(Semaphore::new(target.connections_max));
        Arc::new(Self { target, idle: Mutex::default(), slots })
    }

    /// Where it leads.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Sends a request whose target is in origin form, and waits for the head of its answer.
    ///
    /// # Errors
    /// Says why there is no answer that could be passed on.
    pub async fn send(
        self: &Arc<Self>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<UpstreamBody>, Failure> {
        let acquire = Arc::clone(&self.slots).acquire_owned();
        let slot = timeout(self.target.connect_timeout, acquire)
            .await
            .map_err(|_| unreachable_by("every connection is in use"))?
            .map_err(|error| unreachable_by(&error.to_string()))?;
        let deadline = self.target.response_timeout;
        let (line, response) = timeout(deadline, self.exchange(request))
            .await
            .map_err(|_| Failure::Timeout(deadline))??;
        check(&response)?;
        let (parts, incoming) = response.into_parts();
        let lease = Lease { line, _slot: slot, pool: Arc::clone(self) };
        let mut body = UpstreamBody {
            incoming,
            lease: Some(lease),
            patience: self.target.idle_timeout,
            timer: None,
        };
        body.give_back_if_ended();
        Ok(Response::from_parts(parts, body))
    }

    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Line, Response<Incoming>), Failure> {
        while let Some(mut line) = self.waiting().await {
            let again = request.method().is_idempotent().then(|| request.clone());
            let mut error = match line.send(request).await {
                Ok(response) => return Ok((line, response)),
                Err(error) => error,
            };
            if let Some(unsent) = error.take_message() {
                request = unsent;
                continue;
            }
            // it was written: once more, over a fresh connection, and only if no answer came
            match (failure(&error.into_error()), again) {
                (Failure::Unreachable(_), Some(again)) => request = again,
                (failure, _) => return Err(failure),
            }
            break;
        }
        let mut line = self.connect().await?;
        let response = line.send(request).await.map_err(|error| failure(error.error()))?;
        Ok((line, response))
    }

    /// A connection that waited and still stands.
    async fn waiting(&self) -> Option<Line> {
        loop {
            let popped = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
            let (mut line, since) = popped?;
            let stands = since.elapsed() < IDLE_MAX && !line.sender.is_closed();
            if stands && line.sender.ready().await.is_ok() {
                return Some(line);
            }
        }
    }

    async fn connect(&self) -> Result<Line, Failure> {
        let connect = TcpStream::connect((self.target.host.as_str(), self.target.port));
        let stream = timeout(self.target.connect_timeout, connect)
            .await
            .map_err(|_| unreachable_by("connecting took too long"))?
            .map_err(|error| unreachable_by(&error.to_string()))?;
        stream.set_nodelay(true).map_err(|error| unreachable_by(&error.to_string()))?;
        let asked = Asked::default();
        let (sender, connection) = http1::Builder::new()
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(AnsweredStream::new(stream, asked.clone())))
            .await
            .map_err(|error| failure(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to an upstream ended");
            }
        });
        Ok(Line { sender, asked })
    }

    fn give_back(&self, line: Line) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !line.sender.is_closed() && idle.len() < self.target.connections_max {
            idle.push_back((line, Instant::now()));
        }
    }
}

/// What can be read in two ways is not passed on, and its connection is not used again.
fn check<B>(response: &Response<B>) -> Result<(), Failure> {
    let invalid = |why: &str| Err(Failure::Invalid(why.to_owned()));
    let headers = response.headers();
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    if lengths > 1 {
        return invalid("`content-length` stands more than once");
    }
    if lengths == 1 && headers.contains_key(TRANSFER_ENCODING) {
        return invalid("both `content-length` and `transfer-encoding`");
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return invalid("it changes the protocol without being asked");
    }
    Ok(())
}

fn unreachable_by(why: &str) -> Failure {
    Failure::Unreachable(why.to_owned())
}

fn failure(error: &hyper::Error) -> Failure {
    if let Some(why) = refused_by_guard(error) {
        Failure::Invalid(why)
    } else if error.is_parse() || error.is_parse_too_large() || error.is_parse_status() {
        Failure::Invalid(error.to_string())
    } else {
        Failure::Unreachable(error.to_string())
    }
}

/// What the answer guard said, where it was the reason.
fn refused_by_guard(error: &hyper::Error) -> Option<String> {
    let source = error.source()?.downcast_ref::<std::io::Error>()?;
    (source.kind() == std::io::ErrorKind::InvalidData).then(|| source.to_string())
}

#[derive(Debug)]
struct Lease {
    line: Line,
    _slot: OwnedSemaphorePermit,
    pool: Arc<Pool>,
}

/// The body of an answer; its connection goes back to the pool when it has ended.
#[derive(Debug)]
pub struct UpstreamBody {
    incoming: Incoming,
    lease: Option<Lease>,
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Why a body broke off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upstream's body broke off: {0}")]
pub struct Interrupted(pub String);

impl UpstreamBody {
    fn give_back_if_ended(&mut self) {
        if self.incoming.is_end_stream() {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.pool.give_back(lease.line);
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.timer = None;
                this.give_back_if_ended();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.lease = None;
                let why = refused_by_guard(&error).unwrap_or_else(|| error.to_string());
                Poll::Ready(Some(Err(Interrupted(why))))
            }
            Poll::Ready(None) => {
                this.give_back();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let patience = this.patience;
                let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(patience)));
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.lease = None;
                Poll::Ready(Some(Err(Interrupted(format!("silent for {patience:?}")))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
