//! Who has come, where proxies carry connections? What the listener declares is asked of the fresh
//! connection, and the seat that it takes is counted for the client, not for the proxy.

use std::net::IpAddr;

use portcullis_model::ListenerId;
use portcullis_transport::proxied::{Believed, client};
use tokio::net::TcpStream;

use crate::connections::Seat;
use crate::door::Door;

/// The client behind a connection; `None` where the connection must be closed, which is counted.
pub(crate) async fn settle(
    door: &Door,
    listener: &ListenerId,
    stream: &mut TcpStream,
    peer: IpAddr,
    seat: &mut Seat,
) -> Option<IpAddr> {
    let live = door.live();
    let declaration = &live.snapshot().declaration;
    let declared = declaration.listeners.get(listener).and_then(|one| one.proxy_protocol.as_ref());
    let Some(declared) = declared else { return Some(peer) };
    let believed = Believed {
        peers: &declared.peers,
        required: declared.required,
        deadline: declaration.guards.head_timeout,
    };
    let refused = match client(stream, peer, believed).await {
        Ok(client) if seat.moves_to(client) => return Some(client),
        Ok(_) => "the client has too many connections".to_owned(),
        Err(refused) => refused.to_string(),
    };
    tracing::debug!(%listener, why = refused, "a connection was refused");
    door.metrics.connections_refused.inc();
    None
}
