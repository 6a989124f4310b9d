//! How does a request body come in? Whole, to a bound and before a deadline, and only when the
//! decision asks for it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use portcullis_identity::Refused;
use portcullis_model::Reason;
use portcullis_runtime::driver::BodySource;
use tokio::time::timeout;

use crate::origin::Wire;

/// The body of one request.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    deadline: Duration,
    wire: Wire,
    read_whole: bool,
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
