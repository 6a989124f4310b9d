//! Can operators be told from everybody else?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use portcullis_model::spiffe::SpiffeId;
use portcullis_model::workload::is_dns_name;

use crate::check;
use crate::declaration::{Admin, Remote};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};
use crate::resolve::tls;

const OPERATORS: Rule = Rule {
    code: "PC0147",
    why: "whoever operates a gateway reads what it decides and has it read its estate anew",
    fix: "name each operator once, by the SPIFFE ID or the DNS name of its certificate, in lower case and without wildcard",
};
const SAME_ADDRESS: Rule = Rule {
    code: "PC0118",
    why: "which of the two answers would be chance",
    fix: "give the admin address a port of its own",
};

pub(super) fn admin(document: &Document, problems: &mut Problems<'_>) -> Admin {
    let written = &document.admin;
    check::filled(&written.socket, &["admin", "socket"], problems);
    let remote = written.remote.as_ref().and_then(|one| remote(document, one, problems));
    Admin { socket: written.socket.clone(), remote }
}

fn remote(
    document: &Document,
    written: &document::Remote,
    problems: &mut Problems<'_>,
) -> Option<Remote> {
    let tls = tls::operators(&["admin", "remote", "tls"], &written.tls, problems);
    let operators = operators(&written.operators, problems);
    let path = ["admin", "remote", "address"];
    let Ok(address) = written.address.parse::<SocketAddr>() else {
        let message = format!("`{}` is not an IP address with a port", written.address);
        problems.error(check::VALUE, &path, message);
        return None;
    };
    let is_same = |text: &str| address.port() != 0 && text.parse::<SocketAddr>() == Ok(address);
    for (name, listener) in &document.listeners {
        if is_same(&listener.address) {
            problems.error(SAME_ADDRESS, &path, format!("listener `{name}` has this address"));
            problems.related(&["listeners", name, "address"], "the other one");
        }
    }
    if let Some(prometheus) = &document.telemetry.prometheus
        && is_same(&prometheus.address)
    {
        problems.error(SAME_ADDRESS, &path, "the metrics have this address");
        problems.related(&["telemetry", "prometheus", "address"], "the other one");
    }
    Some(Remote { address, tls, operators })
}

fn operators(written: &[String], problems: &mut Problems<'_>) -> BTreeSet<String> {
    let path = ["admin", "remote", "operators"];
    if written.is_empty() {
        problems.error(OPERATORS, &path, "there is no operator");
    }
    let mut operators = BTreeSet::new();
    for (index, name) in written.iter().enumerate() {
        let path = [path[0], path[1], path[2], &index.to_string()];
        if name.starts_with("spiffe:") {
            if let Err(why) = SpiffeId::parse(name) {
                problems.error(OPERATORS, &path, format!("`{name}` is not a SPIFFE ID: {why}"));
            }
        } else if !is_dns_name(name) {
            let message = format!("`{name}` is neither a SPIFFE ID nor a DNS name in lower case");
            problems.error(OPERATORS, &path, message);
        }
        if !operators.insert(name.clone()) {
            problems.error(OPERATORS, &path, format!("`{name}` stands twice"));
        }
    }
    operators
}
