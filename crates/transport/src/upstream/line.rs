//! How do requests go over one HTTP/1.1 connection? One after another; the answer guard frames what
//! comes back.

use std::error::Error as _;
use std::time::{Duration, Instant};

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout_at;

use crate::answered::{AnsweredStream, Asked, Unreadable, Wanted};

use super::failure::{Failed, Failure, Fate};
use super::outbound::Outbound;

/// Most headers of an answer, and its largest head in bytes.
const HEADERS_MAX: usize = 128;
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// One connection: where requests go in, and what was asked on it.
#[derive(Debug)]
pub(crate) struct Line {
    sender: SendRequest<Outbound>,
    asked: Asked,
}

/// How long one try may still take, and how long that was to begin with.
pub(crate) type Patience = Option<(Instant, Duration)>;

impl Line {
    /// Begins to speak HTTP/1.1 over a stream.
    pub(crate) async fn begin<S>(stream: S) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let asked = Asked::default();
        let (sender, connection) = http1::Builder::new()
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(AnsweredStream::new(stream, asked.clone())))
            .await
            .map_err(|error| failure(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to an upstream ended");
            }
        });
        Ok(Self { sender, asked })
    }

    /// Whether it can take a request, now or never.
    pub(crate) async fn stands(&mut self) -> bool {
        !self.sender.is_closed() && self.sender.ready().await.is_ok()
    }

    /// Whether it is known to be over.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Outbound>,
        upgrade: bool,
        patience: Patience,
    ) -> Result<Response<Incoming>, Failed> {
        self.asked.ask(match (upgrade, *request.method() == Method::HEAD) {
            (true, _) => Wanted::Upgrade,
            (false, true) => Wanted::Head,
            (false, false) => Wanted::Any,
        });
        let answer = self.sender.try_send_request(request);
        let error = match patience {
            None => match answer.await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            },
            Some((until, length)) => match timeout_at(until.into(), answer).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.failed(Failure::Timeout(length))),
            },
        };
        Err(self.lost(error))
    }

    fn lost(&self, mut error: TrySendError<Request<Outbound>>) -> Failed {
        match error.take_message() {
            Some(unsent) => Failed::unsent(failure(error.error()), unsent),
            None => self.failed(failure(error.error())),
        }
    }

    fn failed(&self, failure: Failure) -> Failed {
        let fate = if self.asked.answer_has_begun() { Fate::Answered } else { Fate::Sent };
        Failed { failure, fate, kept: false }
    }
}

pub(super) fn failure(error: &hyper::Error) -> Failure {
    if let Some(why) = refused_by_guard(error) {
        Failure::Invalid(why)
    } else if error.is_parse() || error.is_parse_too_large() || error.is_parse_status() {
        Failure::Invalid(error.to_string())
    } else {
        Failure::Unreachable(error.to_string())
    }
}

/// What the answer guard said, where it was the reason.
pub(super) fn refused_by_guard(error: &hyper::Error) -> Option<String> {
    let source = error.source()?.downcast_ref::<std::io::Error>()?;
    source.get_ref()?.downcast_ref::<Unreadable>().map(ToString::to_string)
}
