//! Where does an upstream stand, and where may its names lead?

use std::net::IpAddr;

use crate::check;
use crate::declaration::{AddressClass, HostPort};
use crate::document;
use crate::problems::{Problems, Rule};

const ADDRESSES: Rule = Rule {
    code: "PC0140",
    why: "where requests are carried must be known, and once",
    fix: "give `address`, or give each of several once in `addresses`",
};
const CLASSES: Rule = Rule {
    code: "PC0141",
    why: "which of the two holds cannot be known",
    fix: "keep one of `address_class` and `allow_networks`",
};

/// Most addresses of one upstream.
const ADDRESSES_MAX: usize = 64;

pub(super) fn addresses(
    name: &str,
    written: &document::Upstream,
    problems: &mut Problems<'_>,
) -> Option<Vec<HostPort>> {
    let texts: Vec<&String> = written.address.iter().chain(&written.addresses).collect();
    if written.address.is_some() && !written.addresses.is_empty() {
        let message = format!("`{name}` has both `address` and `addresses`");
        problems.error(ADDRESSES, &["upstreams", name], message);
        return None;
    }
    if texts.is_empty() || texts.len() > ADDRESSES_MAX {
        let message = format!("`{name}` has {} addresses, not 1 to {ADDRESSES_MAX}", texts.len());
        problems.error(ADDRESSES, &["upstreams", name], message);
        return None;
    }
    let key = if written.address.is_some() { "address" } else { "addresses" };
    let mut found: Vec<HostPort> = Vec::new();
    for text in texts {
        let Some(address) = address(text) else {
            let message = format!("`{text}` is not `host:port`");
            problems.error(check::VALUE, &["upstreams", name, key], message);
            return None;
        };
        if found.contains(&address) {
            let message = format!("`{text}` stands twice");
            problems.error(ADDRESSES, &["upstreams", name, key], message);
        }
        found.push(address);
    }
    Some(found)
}

fn address(text: &str) -> Option<HostPort> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    check::is_host(host).then(|| HostPort { host: host.trim_matches(['[', ']']).to_owned(), port })
}

/// Whether all of them are IP addresses.
pub(super) fn are_fixed(addresses: &[HostPort]) -> bool {
    addresses.iter().all(|address| address.host.parse::<IpAddr>().is_ok())
}

pub(super) fn class(
    name: &str,
    written: &document::Upstream,
    problems: &mut Problems<'_>,
) -> AddressClass {
    let path = ["upstreams", name, "allow_networks"];
    let networks = check::networks(&written.allow_networks, &path, problems);
    if written.address_class.is_some() && !written.allow_networks.is_empty() {
        let message = "both `address_class` and `allow_networks` are given";
        problems.error(CLASSES, &["upstreams", name, "address_class"], message);
    }
    if !networks.is_empty() {
        return AddressClass::Networks(networks);
    }
    match written.address_class {
        None | Some(document::AddressClass::Any) => AddressClass::Any,
        Some(document::AddressClass::Private) => AddressClass::Private,
        Some(document::AddressClass::Public) => AddressClass::Public,
    }
}

/// Whether nothing of what is sent leaves this machine.
pub(super) fn are_local(addresses: &[HostPort]) -> bool {
    let local = |one: &HostPort| {
        one.host == "localhost" || one.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    addresses.iter().all(local)
}
