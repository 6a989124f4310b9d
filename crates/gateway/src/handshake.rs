//! Does a connection speak TLS, and with what? What was declared for its listener at the moment that
//! it was accepted; a listener that should speak TLS and cannot speaks nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use portcullis_model::ListenerId;
use portcullis_transport::tls::{ACME, Accepted, Challenges, Material, Server, accept};
use tokio::net::TcpStream;

use crate::door::{Door, Live};

/// What listeners speak TLS with, by name.
pub type Servers = BTreeMap<ListenerId, Arc<Server>>;

/// A connection that may be served.
#[derive(Debug)]
pub enum Opened {
    /// Without TLS, as its listener was declared.
    Plain(TcpStream),
    /// After a handshake.
    Secured(Box<Accepted<TcpStream>>),
}

/// What listeners speak with from now on. Where trust stays the same, clients of `earlier` can still
/// resume.
///
/// # Errors
/// Says which listener's material does not go together.
pub fn servers(
    materials: &BTreeMap<ListenerId, Material>,
    earlier: &Servers,
    challenges: &Arc<Challenges>,
) -> Result<Servers, String> {
    let server = |(id, material): (&ListenerId, &Material)| {
        let earlier = earlier.get(id).map(AsRef::as_ref);
        let server =
            Server::new(material, earlier, challenges).map_err(|why| format!("`{id}`: {why}"))?;
        Ok((id.clone(), Arc::new(server)))
    };
    materials.iter().map(server).collect()
}

/// Opens a connection: carries out its handshake, where there is to be one. Without a value, it is
/// over; why is logged as often as strangers may fill a log.
pub async fn open(
    door: &Door,
    live: &Live,
    listener: &ListenerId,
    stream: TcpStream,
    peer: IpAddr,
) -> Option<Opened> {
    let declaration = &live.snapshot().declaration;
    let declared = declaration.listeners.get(listener)?;
    if declared.tls.is_none() {
        return Some(Opened::Plain(stream));
    }
    let server = live.tls.get(listener)?;
    match accept(server, stream, declaration.guards.head_timeout).await {
        // whoever looked at the answer to a challenge has seen it
        Ok(accepted) if accepted.protocol.as_deref() == Some(ACME) => None,
        Ok(accepted) => Some(Opened::Secured(Box::new(accepted))),
        Err(error) => {
            door.metrics.handshakes_failed.inc();
            if let Some(left_out) = door.handshakes.turn(Instant::now()) {
                tracing::warn!(%listener, %peer, %error, left_out, "no handshake");
            }
            None
        }
    }
}
