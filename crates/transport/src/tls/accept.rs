//! How is a handshake carried out? Within a deadline: who connects and stays silent, or sends a byte
//! at a time, holds a seat for no longer than that.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::names::Named;
use super::peer::Peer;
use super::server::Server;

/// A connection after its handshake.
#[derive(Debug)]
pub struct Accepted<S> {
    /// What was decrypted, and what will be encrypted.
    pub stream: TlsStream<S>,
    /// The client, if it showed a certificate.
    pub peer: Option<Arc<Peer>>,
    /// The protocol that was agreed on (RFC 7301), if the client asked.
    pub protocol: Option<Vec<u8>>,
    /// The server that the client asked for (RFC 6066 section 3), if it named one.
    pub named: Option<Named>,
}

/// Why there was no handshake.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It failed; the client was told by an alert.
    #[error("the handshake failed: {0}")]
    Failed(io::Error),
    /// It was not over in time.
    #[error("the handshake took too long")]
    Late,
}

/// Carries out the handshake of a connection.
///
/// # Errors
/// When it fails or is not over by the deadline.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    server: &Server,
    stream: S,
    deadline: Duration,
) -> Result<Accepted<S>, HandshakeError> {
    let shaken = async {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let config = server.config_for(&hello.client_hello());
        hello.into_stream(config).await
    };
    let stream = timeout(deadline, shaken)
        .await
        .map_err(|_| HandshakeError::Late)?
        .map_err(HandshakeError::Failed)?;
    let (_, connection) = stream.get_ref();
    let peer = connection.peer_certificates().map(|chain| Arc::new(Peer::new(chain)));
    let protocol = connection.alpn_protocol().map(<[u8]>::to_vec);
    let named = connection.server_name().and_then(|asked| server.named(asked));
    Ok(Accepted { stream, peer, protocol, named })
}
