//! Can the admin socket and the listeners be had, or does a gateway have them already?

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use portcullis_diagnostics::Finding;
use portcullis_transport::listen;

use super::visit::Visit;
use crate::admin_door::{self, Door};

/// Longest path of a Unix socket, in bytes (unix(7), without the final zero).
const SOCKET_PATH_MAX: usize = 107;

/// How long a connection to our own machine may take.
const NEAR: Duration = Duration::from_secs(1);

fn socket(message: String) -> Finding {
    Finding::error("PC0516", message)
        .why("without its admin socket a gateway does not start, and nobody can ask a running one")
        .fix("remove what is in the way, or choose another `admin.socket`")
}

/// Whether a gateway answers at the admin socket.
pub(super) fn admin(visit: &mut Visit<'_>) -> bool {
    let path = visit.path(&visit.declaration().admin.socket);
    let what = "admin socket";
    if path.as_os_str().len() > SOCKET_PATH_MAX {
        let message = format!("`{}` is longer than {SOCKET_PATH_MAX} bytes", path.display());
        visit.finding(socket(message));
        return false;
    }
    let Ok(data) = std::fs::symlink_metadata(&path) else {
        visit.fine(what, format!("`{}` is free", path.display()));
        return false;
    };
    if !data.file_type().is_socket() {
        visit.finding(socket(format!("`{}` is there and is no socket", path.display())));
        return false;
    }
    match admin_door::ask(&Door::Socket(path.clone()), &http::Method::GET, "/revision") {
        Ok(answer) => {
            answers(&path, answer.said.trim(), visit);
            true
        }
        Err(_) => {
            visit.fine(what, format!("`{}` is left over and will be replaced", path.display()));
            false
        }
    }
}

fn answers(path: &Path, revision: &str, visit: &mut Visit<'_>) {
    if revision == &*visit.snapshot.revision {
        return visit.fine("admin socket", "a gateway answers with this revision");
    }
    let message =
        format!("the gateway at `{}` serves revision {revision}, not this one", path.display());
    let finding =
        Finding::warning("PC0516", message).why("what was checked is not what is enforced");
    visit.finding(finding.fix("reload it (SIGHUP, or `POST /reload` at the admin socket)"));
}

pub(super) fn listeners(visit: &mut Visit<'_>, running: bool) {
    let declaration = visit.declaration();
    let operators = declaration.admin.remote.iter().map(|one| ("admin.remote".into(), one.address));
    let listeners = declaration.listeners.iter();
    let all = listeners.map(|(id, listener)| (format!("listener {id}"), listener.address));
    for (what, address) in all.chain(operators).collect::<Vec<(String, SocketAddr)>>() {
        match listen::is_free(address) {
            Ok(()) if running && address.port() != 0 => {
                let message = format!("the running gateway does not listen on {address} ({what})");
                let finding =
                    Finding::warning("PC0517", message).why("whoever calls there is not answered");
                visit.finding(finding.fix("reload it, or start it anew"));
            }
            Ok(()) => visit.fine(what, format!("{address} is free")),
            Err(error) if running && error.kind() == ErrorKind::AddrInUse => {
                match TcpStream::connect_timeout(&address, NEAR) {
                    Ok(_) => visit.fine(what, format!("{address} is answered")),
                    Err(error) => visit.finding(busy(&format!("{address} ({what}): {error}"))),
                }
            }
            Err(error) => visit.finding(busy(&format!("{address} ({what}): {error}"))),
        }
    }
}

fn busy(place: &str) -> Finding {
    Finding::error("PC0517", format!("the gateway cannot listen on {place}"))
        .why("a gateway listens everywhere that it declares, or does not start")
        .fix("stop whoever listens there (`ss -ltnp`), correct the address, or allow low ports (`AmbientCapabilities=CAP_NET_BIND_SERVICE`)")
}
