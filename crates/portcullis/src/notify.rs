//! Is whoever started the process told that it serves? One datagram to the socket that systemd names
//! (sd_notify(3)); nothing where nobody asked.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Says that it serves.
pub(crate) fn ready() {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let name = name.to_string_lossy();
    let address = match name.strip_prefix('@') {
        Some(abstracted) => SocketAddr::from_abstract_name(abstracted.as_bytes()),
        None => SocketAddr::from_pathname(&*name),
    };
    let sent =
        address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address));
    if let Err(error) = sent {
        tracing::warn!(%error, "whoever started the process cannot be told that it serves");
    }
}
