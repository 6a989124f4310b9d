//! How does a request body come in? Whole, to a bound and before a deadline, and only when the
//! decision asks for it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, Incoming};
use hyper::upgrade::OnUpgrade;
use portcullis_identity::Refused;
use portcullis_model::Reason;
use portcullis_runtime::driver::BodySource;
use portcullis_transport::upstream::outbound::Broken;
use tokio::time::{Sleep, sleep, timeout};

use crate::origin::Wire;

/// The body of one request.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    deadline: Duration,
    wire: Wire,
    read_whole: bool,
}

/// What of a request is left when its head was judged.
#[derive(Debug)]
pub struct Inbound {
    /// Its body, read or not.
    pub body: RequestBody,
    /// The connection, where it may go on as something else.
    pub upgrade: Option<OnUpgrade>,
}

impl RequestBody {
    /// Takes the body; nothing is read yet.
    #[must_use]
    pub const fn new(incoming: Incoming, deadline: Duration, wire: Wire) -> Self {
        Self { incoming, deadline, wire, read_whole: false }
    }

    /// Whether bytes may be left on the connection, so that it must not be used again.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        !self.read_whole && !self.incoming.is_end_stream()
    }

    /// Why it broke off: the guard knows best.
    fn broken(&self) -> Refused {
        match self.wire.broken_body() {
            Some(violation) => refused(violation.reason, violation.detail),
            None => refused(Reason::BodyIncomplete, "the body broke off".to_owned()),
        }
    }

    async fn collect(&mut self, bytes_max: u64) -> Result<Bytes, Refused> {
        let announced = self.incoming.size_hint().lower();
        if announced > bytes_max {
            return Err(refused(Reason::BodyTooLarge, format!("more than {bytes_max} bytes")));
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = self.incoming.frame().await {
            let frame = frame.map_err(|_| self.broken())?;
            let Ok(data) = frame.into_data() else { continue };
            let length = whole.len().saturating_add(data.len());
            if u64::try_from(length).unwrap_or(u64::MAX) > bytes_max {
                return Err(refused(Reason::BodyTooLarge, format!("more than {bytes_max} bytes")));
            }
            whole.extend_from_slice(&data);
        }
        self.read_whole = true;
        Ok(whole.freeze())
    }
}

impl RequestBody {
    /// Passes the body on as it comes, without its trailers; silence ends it.
    #[must_use]
    pub fn passing(self, idle: Duration) -> BoxBody<Bytes, Broken> {
        Passing { incoming: self.incoming, idle, silence: None }.boxed()
    }
}

/// A body that passes without being read.
#[derive(Debug)]
struct Passing {
    incoming: Incoming,
    idle: Duration,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Body for Passing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        loop {
            match Pin::new(&mut this.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    this.silence = None;
                    if frame.is_data() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    let idle = this.idle;
                    let timer = this.silence.get_or_insert_with(|| Box::pin(sleep(idle)));
                    ready!(timer.as_mut().poll(cx));
                    return Poll::Ready(Some(Err(format!("silent for {idle:?}").into())));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }
}

impl BodySource for RequestBody {
    async fn whole(&mut self, bytes_max: u64) -> Result<Bytes, Refused> {
        let deadline = self.deadline;
        timeout(deadline, self.collect(bytes_max)).await.unwrap_or_else(|_| {
            Err(refused(Reason::BodyTimeout, format!("not within {} s", deadline.as_secs())))
        })
    }
}

const fn refused(reason: Reason, detail: String) -> Refused {
    Refused { reason, detail }
}
