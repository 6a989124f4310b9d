//! How is a connection to an endpoint made? To its judged address, with TLS where it is declared,
//! and before a deadline; not a byte of a request is sent before the other side is trusted.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::line::Line;
use super::many::Many;
use super::target::Target;
use super::tls::{Protocol, Tls};

/// A fresh connection.
#[derive(Debug)]
pub(crate) enum Wire {
    /// HTTP/1.1.
    One(Line),
    /// HTTP/2.
    Many(Many),
}

impl Wire {
    /// The connection, if requests can share it.
    pub(crate) fn many(&self) -> Option<Many> {
        match self {
            Self::One(_) => None,
            Self::Many(many) => Some(many.clone()),
        }
    }
}

/// Connects.
pub(crate) async fn connect(endpoint: &Arc<Endpoint>, target: &Target) -> Result<Wire, Failure> {
    timeout(target.timeouts.connect, within_deadline(endpoint, target))
        .await
        .unwrap_or_else(|_| Err(unreachable_by("connecting took too long")))
}

async fn within_deadline(endpoint: &Endpoint, target: &Target) -> Result<Wire, Failure> {
    let stream = TcpStream::connect(endpoint.address)
        .await
        .map_err(|error| unreachable_by(&error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| unreachable_by(&error.to_string()))?;
    match &target.tls {
        None => begin(stream, target.protocol == Protocol::Http2, false).await,
        Some(tls) => secure(stream, tls, endpoint, target.protocol).await,
    }
}

async fn secure(
    stream: TcpStream,
    tls: &Tls,
    endpoint: &Endpoint,
    protocol: Protocol,
) -> Result<Wire, Failure> {
    let name = tls.name(&endpoint.authority).map_err(Failure::Untrusted)?;
    let stream = tls.connector().connect(name, stream).await.map_err(|error| distrust(&error))?;
    let chosen = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    match (protocol, chosen.as_deref()) {
        (Protocol::Http2 | Protocol::Auto, Some(b"h2")) => begin(stream, true, true).await,
        (Protocol::Http2, _) => Err(unreachable_by("it does not offer HTTP/2")),
        (Protocol::Http1 | Protocol::Auto, None | Some(b"http/1.1")) => {
            begin(stream, false, true).await
        }
        (Protocol::Http1 | Protocol::Auto, Some(_)) => {
            Err(unreachable_by("it chose a protocol that was not offered"))
        }
    }
}

/// A certificate that does not hold is another thing than a connection that broke.
fn distrust(error: &std::io::Error) -> Failure {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(
            rustls::Error::InvalidCertificate(_)
            | rustls::Error::NoCertificatesPresented
            | rustls::Error::UnsupportedNameType,
        ) => Failure::Untrusted(error.to_string()),
        Some(_) | None => unreachable_by(&error.to_string()),
    }
}

async fn begin<S>(stream: S, many: bool, secure: bool) -> Result<Wire, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if many {
        Many::begin(stream, secure).await.map(Wire::Many)
    } else {
        Line::begin(stream).await.map(Wire::One)
    }
}

fn unreachable_by(why: &str) -> Failure {
    Failure::Unreachable(why.to_owned())
}
