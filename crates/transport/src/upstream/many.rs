//! How do requests go over one HTTP/2 connection? Many at once (RFC 9113). The parser refuses what
//! RFC 9113 section 8.2.2 forbids (connection-specific headers) and lengths that are not those of
//! the data; here stand the bounds, and what became of a stream that ended early.

use std::error::Error as _;

use http::header::{CONNECTION, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout_at;

use super::failure::{Failed, Failure, Fate};
use super::line::Patience;
use super::outbound::Outbound;
use super::retry::{duplicate, is_repeatable};

/// Largest head of an answer in bytes.
const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// What an upstream may send before we read it, per stream and in all.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Streams that we ended and still remember.
const RESET_STREAMS_MAX: usize = 64;

/// Headers that mean one connection and do not exist in HTTP/2.
static CONNECTION_SPECIFIC: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

/// One connection that many requests share.
#[derive(Clone, Debug)]
pub(crate) struct Many {
    sender: SendRequest<Outbound>,
    secure: bool,
}

impl Many {
    /// Begins to speak HTTP/2 over a stream.
    pub(crate) async fn begin<S>(stream: S, secure: bool) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(HEAD_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_reset_streams(RESET_STREAMS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failure(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to an upstream ended");
            }
        });
        Ok(Self { sender, secure })
    }

    /// Whether it is known to be over.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Outbound>,
        patience: Patience,
    ) -> Result<Response<Incoming>, Failed> {
        let request = match absolute(request, self.secure) {
            Ok(request) => request,
            Err(request) => {
                let why = Failure::Unreachable("the request has no authority".to_owned());
                return Err(Failed::unsent(why, *request));
            }
        };
        if let Err(error) = self.sender.ready().await {
            return Err(Failed::unsent(failure(&error), relative(request)));
        }
        // whoever calls has a copy of what may be repeated
        let unsafe_copy = if is_repeatable(request.method()) { None } else { duplicate(&request) };
        let answer = self.sender.try_send_request(request);
        let error = match patience {
            None => match answer.await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            },
            Some((until, length)) => match timeout_at(until.into(), answer).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => error,
                Err(_) => {
                    let failure = Failure::Timeout(length);
                    return Err(Failed { failure, fate: Fate::Sent, kept: false });
                }
            },
        };
        Err(lost(error, unsafe_copy))
    }
}

/// The request with scheme and authority, and without what means one connection.
fn absolute(
    mut request: Request<Outbound>,
    secure: bool,
) -> Result<Request<Outbound>, Box<Request<Outbound>>> {
    let authority = request.headers().get(HOST).map(HeaderValue::as_bytes);
    let Some(authority) = authority.and_then(|host| Authority::try_from(host).ok()) else {
        return Err(Box::new(request));
    };
    let path = request.uri().path_and_query().cloned();
    let built = Uri::builder()
        .scheme(if secure { Scheme::HTTPS } else { Scheme::HTTP })
        .authority(authority)
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
        .build();
    let Ok(uri) = built else { return Err(Box::new(request)) };
    *request.uri_mut() = uri;
    *request.version_mut() = http::Version::HTTP_2;
    let headers = request.headers_mut();
    headers.remove(HOST);
    for name in &CONNECTION_SPECIFIC {
        headers.remove(name);
    }
    if headers.get(TE).is_some_and(|te| te != "trailers") {
        headers.remove(TE);
    }
    Ok(request)
}

/// The request as it came, in origin form and with `host`: it may go over HTTP/1.1 next.
fn relative(mut request: Request<Outbound>) -> Request<Outbound> {
    let uri = request.uri().clone();
    let host = uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    *request.uri_mut() = uri.into_parts().path_and_query.map(Uri::from).unwrap_or_default();
    *request.version_mut() = http::Version::HTTP_11;
    request
}

fn lost(
    mut error: TrySendError<Request<Outbound>>,
    unsafe_copy: Option<Request<Outbound>>,
) -> Failed {
    match (error.take_message(), unsafe_copy.filter(|_| is_refused(error.error()))) {
        (Some(unsent), _) | (None, Some(unsent)) => {
            Failed::unsent(failure(error.error()), relative(unsent))
        }
        (None, None) => {
            let answered = matches!(failure(error.error()), Failure::Invalid(_));
            let fate = if answered { Fate::Answered } else { Fate::Sent };
            Failed { failure: failure(error.error()), fate, kept: false }
        }
    }
}

/// Whether the upstream says that it did nothing with the request (RFC 9113 section 8.7).
fn is_refused(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(|source| {
        source.is_remote() && source.reason() == Some(h2::Reason::REFUSED_STREAM)
    })
}

/// An error that we found is an invalid answer; one that the upstream says, or that the network
/// makes, means that there is none.
fn failure(error: &hyper::Error) -> Failure {
    let source = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    let said = source.map_or_else(|| error.to_string(), ToString::to_string);
    if source.is_some_and(|source| !source.is_remote() && source.reason().is_some()) {
        Failure::Invalid(said)
    } else {
        Failure::Unreachable(said)
    }
}
