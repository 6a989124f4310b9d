//! How is a document fetched from a URL without being led astray? The name is resolved once, the
//! resolved address is judged and connected to, redirects are not followed, and size and time are
//! bounded (E14).

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, DATE, HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address::{is_metadata, is_public};

/// Bounds of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRules {
    /// Networks that may be connected to besides public addresses.
    pub allow_addresses: Vec<IpNet>,
    /// Longest time for all of it.
    pub deadline: Duration,
    /// Largest document.
    pub bytes_max: usize,
}

/// Why nothing was fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(String);

/// Fetches a JSON document.
///
/// # Errors
/// Says which of the rules it broke, or what failed on the way.
pub async fn json(url: &str, rules: &FetchRules) -> Result<Bytes, FetchError> {
    json_dated(url, rules).await.map(|(document, _)| document)
}

/// The same, with the `Date` that the server says it is (RFC 9110 section 6.6.1).
///
/// # Errors
/// As [`json`].
pub async fn json_dated(
    url: &str,
    rules: &FetchRules,
) -> Result<(Bytes, Option<HeaderValue>), FetchError> {
    timeout(rules.deadline, within_deadline(url, rules))
        .await
        .unwrap_or_else(|_| Err(error(format!("it took longer than {:?}", rules.deadline))))
}

async fn within_deadline(
    url: &str,
    rules: &FetchRules,
) -> Result<(Bytes, Option<HeaderValue>), FetchError> {
    let url: Uri = url.parse().map_err(|_| error("the URL cannot be read"))?;
    let host = url.host().ok_or_else(|| error("the URL has no host"))?;
    let bare = host.trim_matches(['[', ']']);
    let (secure, port) = match (url.scheme_str(), url.port_u16()) {
        (Some("https"), port) => (true, port.unwrap_or(443)),
        (Some("http"), port) => (false, port.unwrap_or(80)),
        (Some(_) | None, _) => return Err(error("the scheme is neither `https` nor `http`")),
    };
    let address = resolve(bare, port, secure, rules).await?;
    let stream = TcpStream::connect(address).await.map_err(|failed| error(failed.to_string()))?;
    let request = Request::get(url.path_and_query().map_or("/", |both| both.as_str()))
        .header(HOST, url.authority().map_or(host, |authority| authority.as_str()))
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, "portcullis")
        .body(Empty::new())
        .map_err(|failed| error(failed.to_string()))?;
    if !secure {
        return exchange(stream, request, rules).await;
    }
    let name = ServerName::try_from(bare.to_owned()).map_err(|failed| error(failed.to_string()))?;
    let stream =
        connector().connect(name, stream).await.map_err(|failed| error(failed.to_string()))?;
    exchange(stream, request, rules).await
}

/// Without TLS only an address of this machine that the URL itself names is connected to.
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    secure: bool,
    rules: &FetchRules,
) -> Result<SocketAddr, FetchError> {
    let allowed = |address: IpAddr| {
        let listed = || rules.allow_addresses.iter().any(|net| net.contains(&address));
        is_public(address) || (listed() && !is_metadata(address))
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        let ok =
            if secure { allowed(address) || address.is_loopback() } else { address.is_loopback() };
        return ok
            .then(|| SocketAddr::new(address, port))
            .ok_or_else(|| error(format!("`{address}` may not be connected to")));
    }
    if !secure {
        return Err(error("without TLS only a loopback address may be connected to"));
    }
    let found = lookup_host((host, port)).await.map_err(|failed| error(failed.to_string()))?;
    let mut found: Vec<SocketAddr> = found.collect();
    // one inner address among the answers is reason enough to believe none of them
    if let Some(inner) = found.iter().find(|address| !allowed(address.ip())) {
        return Err(error(format!(
            "`{host}` leads to `{}`, which may not be connected to",
            inner.ip()
        )));
    }
    found.pop().ok_or_else(|| error(format!("`{host}` has no address")))
}

async fn exchange<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    rules: &FetchRules,
) -> Result<(Bytes, Option<HeaderValue>), FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|failed| error(failed.to_string()))?;
    let driver = tokio::spawn(connection);
    let read = async {
        let response =
            sender.send_request(request).await.map_err(|failed| error(failed.to_string()))?;
        if response.status() != StatusCode::OK {
            return Err(error(format!("it answered {}", response.status())));
        }
        let date = response.headers().get(DATE).cloned();
        let document = collect(response.into_body(), rules.bytes_max).await?;
        Ok((document, date))
    };
    let read = read.await;
    driver.abort();
    read
}

/// A body, to a bound.
pub(crate) async fn collect(mut body: Incoming, bytes_max: usize) -> Result<Bytes, FetchError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|failed| error(failed.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len().saturating_add(data.len()) > bytes_max {
            return Err(error(format!("it is larger than {bytes_max} bytes")));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Trusts the public certificates.
pub(crate) fn connector() -> TlsConnector {
    static CONFIG: OnceLock<Arc<rustls::ClientConfig>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Arc::new(
            rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth(),
        )
    });
    TlsConnector::from(Arc::clone(config))
}

pub(crate) fn error(why: impl Into<String>) -> FetchError {
    FetchError(why.into())
}
