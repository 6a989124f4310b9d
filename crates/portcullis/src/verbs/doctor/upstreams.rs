//! Do the upstreams take connections? Connected to and left again, nothing is sent.

use std::net::{TcpStream, ToSocketAddrs};

use portcullis_config::declaration::Upstream;
use portcullis_diagnostics::Finding;

use super::visit::Visit;

pub(super) fn examine(visit: &mut Visit<'_>) {
    for (id, upstream) in &visit.declaration().upstreams {
        let place = format!("{}:{}", upstream.host, upstream.port);
        let result = connect(upstream).map_err(|why| {
            Finding::error("PC0518", format!("upstream `{id}` at {place} cannot be reached: {why}"))
                .why("what is let through to it is answered 502 or 504")
                .fix("start it, or correct `address`; a firewall or a missing route looks the same")
        });
        visit
            .take(&format!("upstream {id}"), result.map(|()| format!("{place} takes connections")));
    }
}

fn connect(upstream: &Upstream) -> Result<(), String> {
    let found = (upstream.host.as_str(), upstream.port).to_socket_addrs();
    let mut last = "its name has no address".to_owned();
    for address in found.map_err(|error| error.to_string())? {
        match TcpStream::connect_timeout(&address, upstream.connect_timeout) {
            Ok(_) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}
