//! Who is at the other end of a connection that a proxy carries? The PROXY header is taken off a fresh
//! connection, byte for byte and not one more, before anything else is read of it. It is believed from
//! pinned peers, who must send one; from everybody else it is never looked for, so that its bytes are
//! no request.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_reading::proxied::{HEADER_BYTES_MAX, NotProxied, read};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes looked at once.
const PEEK_BYTES: usize = 256;

/// Whom a listener believes.
#[derive(Clone, Copy, Debug)]
pub struct Believed<'a> {
    /// Networks of the proxies.
    pub peers: &'a [IpNet],
    /// Whether nobody else may connect.
    pub required: bool,
    /// Longest time for a header.
    pub deadline: Duration,
}

/// Why a connection is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Only the proxies may connect.
    #[error("the peer is not one of the proxies")]
    Stranger,
    /// A proxy sent something else.
    #[error(transparent)]
    NotProxied(#[from] NotProxied),
    /// It took too long.
    #[error("the header did not come in time")]
    Timeout,
    /// The connection ended.
    #[error("the connection ended: {0}")]
    Ended(#[from] io::Error),
}

/// The client behind a connection from `peer`.
///
/// # Errors
/// When the connection must be closed.
pub async fn client(
    stream: &mut TcpStream,
    peer: IpAddr,
    believed: Believed<'_>,
) -> Result<IpAddr, Refused> {
    if !believed.peers.iter().any(|network| network.contains(&peer)) {
        return if believed.required { Err(Refused::Stranger) } else { Ok(peer) };
    }
    let source =
        timeout(believed.deadline, header(stream)).await.map_err(|_| Refused::Timeout)??;
    Ok(source.unwrap_or(peer))
}

/// Takes the header off; bytes are consumed only once it is known that they belong to it.
async fn header(stream: &mut TcpStream) -> Result<Option<IpAddr>, Refused> {
    let mut taken = Vec::new();
    loop {
        let mut ahead = [0; PEEK_BYTES];
        let count = stream.peek(&mut ahead).await?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let known = taken.len();
        taken.extend_from_slice(ahead.get(..count).unwrap_or_default());
        let found = read(&taken)?;
        let length = found.map_or(taken.len(), |found| found.length);
        let mut rest = vec![0; length.saturating_sub(known)];
        stream.read_exact(&mut rest).await?;
        match found {
            Some(found) => return Ok(found.source),
            // the reader refuses what is longer before it comes to this
            None if taken.len() > HEADER_BYTES_MAX => {
                return Err(NotProxied("it is too long").into());
            }
            None => {}
        }
    }
}
