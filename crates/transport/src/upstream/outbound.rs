//! What does a request carry? A body that is known whole and can be sent again, or one that passes
//! through and cannot.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, SizeHint};

/// Why a body that passes through broke off.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request to an upstream.
pub enum Outbound {
    /// Known whole. Taken when it was sent.
    Whole(Option<Bytes>),
    /// Passed on as it comes, trailers included; sent at most once.
    Streamed(BoxBody<Bytes, Broken>),
}

impl Outbound {
    /// A body that is known whole.
    #[must_use]
    pub const fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes))
    }

    /// The same body again, where it can be had again.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::Whole(bytes) => Some(Self::Whole(bytes.clone())),
            Self::Streamed(_) => None,
        }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => {
                write!(f, "Whole({} bytes)", bytes.as_ref().map_or(0, Bytes::len))
            }
            Self::Streamed(_) => f.write_str("Streamed"),
        }
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                let left = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(left.map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Streamed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Self::Streamed(body) => body.size_hint(),
        }
    }
}
