//! What is left of a connection after 101? A stream of another protocol, which keeps its place
//! among the requests of its upstream until it ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Response, StatusCode};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::body::{Lease, UpstreamBody};
use super::failure::Failure;

/// A connection that speaks another protocol now.
#[derive(Debug)]
pub struct Tunnel {
    io: TokioIo<Upgraded>,
    _lease: Option<Lease>,
}

/// Takes the connection of an answer of 101, which was asked for.
///
/// # Errors
/// When the answer is another one, or the connection broke.
pub async fn tunnel(mut response: Response<UpstreamBody>) -> Result<Tunnel, Failure> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::Invalid("it does not change the protocol".to_owned()));
    }
    let upgrading = hyper::upgrade::on(&mut response);
    let lease = response.into_body().into_lease();
    let upgraded = upgrading.await.map_err(|error| Failure::Unreachable(error.to_string()))?;
    Ok(Tunnel { io: TokioIo::new(upgraded), _lease: lease })
}

impl AsyncRead for Tunnel {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
