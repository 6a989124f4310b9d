//! How does an answer go out? Whole, where it is ours; as it comes, where it is the upstream's, and
//! then the crossing is over when its last byte is: that is when it is recorded.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use portcullis_core::Refusal;
use portcullis_model::Reason;
use portcullis_model::record::Outcome;
use portcullis_runtime::driver::Open;
use portcullis_telemetry::Metrics;
use portcullis_transport::upstream::{Interrupted, UpstreamBody};

use crate::lifetime::Lifetime;
use crate::origin::Wire;
use crate::stalled::Mark;

/// The body of an answer.
#[derive(Debug)]
pub enum Answer {
    /// Ours.
    Whole(Full<Bytes>),
    /// The upstream's.
    Streamed(Box<Streamed>),
}

/// The upstream's body, and the crossing that ends with it.
#[derive(Debug)]
pub struct Streamed {
    body: UpstreamBody,
    crossing: Option<Crossing>,
    mark: Option<Arc<Mark>>,
    lifetime: Option<Box<Lifetime>>,
}

/// A crossing whose answer is under way. Dropped before its end, the client has gone.
#[derive(Debug)]
pub struct Crossing {
    /// What is recorded.
    pub open: Option<Open>,
    /// What came of it so far.
    pub outcome: Outcome,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// The connection, which may then be idle.
    pub wire: Wire,
}

impl Crossing {
    /// The crossing is over.
    pub fn end(mut self, refusal: Option<&Refusal>) {
        self.settle(refusal);
    }

    fn settle(&mut self, refusal: Option<&Refusal>) {
        let Some(open) = self.open.take() else { return };
        let took = open.elapsed();
        let mut outcome = self.outcome.clone();
        outcome.micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.metrics.crossed(took);
        if let Some(refusal) = refusal {
            self.metrics.failed(&open.trace().crossing, refusal.reason);
        }
        self.wire.answered();
        open.finish_detached(refusal, outcome);
    }
}

impl Drop for Crossing {
    fn drop(&mut self) {
        let gone = Refusal::new(Reason::ClientGone, "the client closed before the answer's end");
        self.settle(Some(&gone));
    }
}

impl Streamed {
    /// Streams a body; a crossing whose body is empty is over at once.
    #[must_use]
    pub fn new(body: UpstreamBody, crossing: Crossing, lifetime: Option<Box<Lifetime>>) -> Self {
        let mark = crossing.wire.watched();
        let mut streamed = Self { body, crossing: Some(crossing), mark, lifetime };
        streamed.end_if_read();
        streamed
    }

    fn end_if_read(&mut self) {
        if self.body.is_whole()
            && let Some(crossing) = self.crossing.take()
        {
            crossing.end(None);
        }
    }

    fn count(&mut self, frame: &Frame<Bytes>) {
        if let (Some(crossing), Some(data)) = (&mut self.crossing, frame.data_ref()) {
            let bytes = u64::try_from(data.remaining()).unwrap_or(u64::MAX);
            let sent = &mut crossing.outcome.response_bytes;
            *sent = sent.saturating_add(bytes);
        }
    }

    /// Whether what the stream lives by has ended; then the crossing has, too.
    fn over(&mut self, cx: &mut Context<'_>) -> Option<Refusal> {
        let Poll::Ready(refusal) = self.lifetime.as_mut()?.poll_end(cx) else { return None };
        self.lifetime = None;
        self.crossing.take()?.end(Some(&refusal));
        Some(refusal)
    }

    fn interrupted(&mut self, why: &Interrupted) {
        if let Some(crossing) = self.crossing.take() {
            crossing.end(Some(&Refusal::new(Reason::ReplyInterrupted, why.to_string())));
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        let streamed = match self.get_mut() {
            Self::Whole(full) => {
                return Pin::new(full)
                    .poll_frame(cx)
                    .map_err(|never| Interrupted(never.to_string()));
            }
            Self::Streamed(streamed) => streamed,
        };
        if let Some(refusal) = streamed.over(cx) {
            return Poll::Ready(Some(Err(Interrupted(refusal.detail))));
        }
        let polled = Pin::new(&mut streamed.body).poll_frame(cx);
        if let Some(mark) = &streamed.mark {
            mark.asked(polled.is_pending());
        }
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                streamed.count(frame);
                streamed.end_if_read();
            }
            Poll::Ready(Some(Err(why))) => streamed.interrupted(why),
            Poll::Ready(None) => {
                if let Some(crossing) = streamed.crossing.take() {
                    crossing.end(None);
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(full) => full.is_end_stream(),
            Self::Streamed(streamed) => streamed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(full) => full.size_hint(),
            Self::Streamed(streamed) => streamed.body.size_hint(),
        }
    }
}
