//! How does a worker listen? Every worker binds the same address with `SO_REUSEPORT`, so that the
//! kernel spreads connections and no worker waits for another.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Whether nobody listens on an address yet. Sharing it among workers would also share it with
/// another process of the same user, and the kernel would spread requests over two estates.
///
/// # Errors
/// When the address is in use or cannot be bound.
pub fn is_free(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(1)
}

/// Binds an address; port 0 takes a free one, which further workers then name.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::{bind, is_free};

    #[test]
    fn an_address_is_shared_among_workers_and_with_nobody_else() {
        let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = first.local_addr().unwrap();
        assert!(bind(address).is_ok(), "a second worker");
        assert_eq!(is_free(address).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        assert!(is_free("127.0.0.1:0".parse().unwrap()).is_ok());
    }
}
