//! Do the upstreams take connections? Connected to and left again, nothing is sent.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use portcullis_config::declaration::HostPort;
use portcullis_diagnostics::Finding;

use super::visit::Visit;

pub(super) fn examine(visit: &mut Visit<'_>) {
    for (id, upstream) in &visit.declaration().upstreams {
        for HostPort { host, port } in &upstream.addresses {
            let place = format!("{host}:{port}");
            let what = format!("upstream {id}");
            match connect(host, *port, upstream.connect_timeout) {
                Ok(()) => visit.fine(what, format!("{place} takes connections")),
                Err(why) => {
                    let message = format!("upstream `{id}` at {place} cannot be reached: {why}");
                    let finding = Finding::error("PC0518", message)
                        .why("what is let through to it is answered 502 or 504");
                    visit.finding(finding.fix(
                        "start it, or correct its address; a firewall or a missing route looks the same",
                    ));
                }
            }
        }
    }
}

fn connect(host: &str, port: u16, patience: Duration) -> Result<(), String> {
    let mut last = "its name has no address".to_owned();
    for address in (host, port).to_socket_addrs().map_err(|error| error.to_string())? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(_) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}
