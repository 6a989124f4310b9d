//! How does an answer's body come in? As it comes, with an end to patience; its connection waits
//! again when it has ended, and is closed when it has not, which counts against its endpoint.
//! Trailers pass by name only.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderName;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep, sleep_until};

use super::circuit::Ticket;
use super::endpoint::Load;
use super::idle::Idle;
use super::line::{Line, refused_by_guard};
use super::shared::Upstream;

/// Trailers that pass undeclared: those in which gRPC says how a call ended.
static GRPC: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// What a request holds until its answer has ended.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) line: Option<Line>,
    pub(crate) idle: Arc<Idle>,
    pub(crate) load: Load,
    /// Whom to tell how its endpoint fared; nobody where the head settled that.
    pub(crate) unsettled: Option<Arc<Upstream>>,
    pub(crate) _slot: OwnedSemaphorePermit,
    pub(crate) _ticket: Ticket,
}

impl Lease {
    /// Says how the endpoint fared, once.
    fn settle(&mut self, well: bool) {
        if let Some(upstream) = self.unsettled.take() {
            upstream.fared(self.load.endpoint(), well);
        }
    }

    fn give_back(mut self) {
        self.settle(true);
        if let Some(line) = self.line {
            self.idle.give_back(self.load.endpoint().id, line);
        }
    }
}

/// How long the rest of an answer may take.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Longest silence.
    pub(crate) idle: Duration,
    /// When all of it must be over, and how long that was to begin with.
    pub(crate) overall: Option<(Instant, Duration)>,
    /// Further trailers that pass.
    pub(crate) trailers: Arc<[HeaderName]>,
}

/// The body of an answer; its connection waits again when it has ended.
#[derive(Debug)]
pub struct UpstreamBody {
    incoming: Incoming,
    lease: Option<Lease>,
    limits: Limits,
    silence: Option<Pin<Box<Sleep>>>,
    overall: Option<Pin<Box<Sleep>>>,
}

/// Why a body broke off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upstream's body broke off: {0}")]
pub struct Interrupted(pub String);

impl UpstreamBody {
    /// The body of an answer whose head has come; after 101 there is none, and the connection is
    /// not one for requests any more.
    pub(crate) fn new(incoming: Incoming, lease: Lease, limits: Limits, switched: bool) -> Self {
        let overall = limits.overall.map(|(until, _)| Box::pin(sleep_until(until.into())));
        let mut body = Self { incoming, lease: Some(lease), limits, silence: None, overall };
        if !switched {
            body.give_back_if_ended();
        }
        body
    }

    /// Whether all data that was announced has come. Over HTTP/2 trailers may follow it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.incoming.is_end_stream() || self.incoming.size_hint().exact() == Some(0)
    }

    /// What the request holds, for a connection that goes on as something else.
    pub(crate) fn into_lease(self) -> Option<Lease> {
        self.lease
    }

    fn give_back_if_ended(&mut self) {
        if self.incoming.is_end_stream() {
            self.give_back();
        }
    }

    /// Whoever reads may leave trailers that follow, and the lease with them.
    fn settle_if_whole(&mut self) {
        if self.is_whole()
            && let Some(lease) = &mut self.lease
        {
            lease.settle(true);
        }
    }

    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    /// An answer that its upstream did not bring to its end, which counts against the endpoint as
    /// much as one that never began.
    fn failed(&mut self, why: String) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        if let Some(lease) = &mut self.lease {
            lease.settle(false);
        }
        self.broken(why)
    }

    fn broken(&mut self, why: String) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        self.lease = None;
        Poll::Ready(Some(Err(Interrupted(why))))
    }

    /// What may pass of a frame.
    fn passed(&self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_trailers() {
            Err(frame) => frame,
            Ok(mut trailers) => {
                let further = |name: &HeaderName| self.limits.trailers.contains(name);
                let refused: Vec<HeaderName> = trailers
                    .keys()
                    .filter(|name| !GRPC.contains(name) && !further(name))
                    .cloned()
                    .collect();
                for name in refused {
                    trailers.remove(name);
                }
                Frame::trailers(trailers)
            }
        }
    }

    /// Whether all of it took too long, however busy it was.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        self.overall.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready())
    }

    fn is_silent(&mut self, cx: &mut Context<'_>) -> bool {
        let patience = self.limits.idle;
        let timer = self.silence.get_or_insert_with(|| Box::pin(sleep(patience)));
        timer.as_mut().poll(cx).is_ready()
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
        if this.lease.is_some() && this.is_late(cx) {
            // whose fault it is cannot be known: a client may be slow to take it
            let length = this.limits.overall.map_or(Duration::ZERO, |(_, length)| length);
            return this.broken(format!("not whole within {length:?}"));
        }
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.silence = None;
                this.settle_if_whole();
                this.give_back_if_ended();
                Poll::Ready(Some(Ok(this.passed(frame))))
            }
            Poll::Ready(Some(Err(error))) => {
                let why = refused_by_guard(&error).unwrap_or_else(|| error.to_string());
                this.failed(why)
            }
            Poll::Ready(None) => {
                this.give_back();
                Poll::Ready(None)
            }
            Poll::Pending if this.is_silent(cx) => {
                let patience = this.limits.idle;
                this.failed(format!("silent for {patience:?}"))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
