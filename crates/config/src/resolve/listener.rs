//! Where does the process listen and write, and within which bounds?

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_model::{ListenerId, ZoneId};

use crate::check;
use crate::declaration::{Guards, Listener, Protocol, ProxyProtocol, Records};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};
use crate::resolve::addresses::addresses;
use crate::resolve::sender;
use crate::resolve::tls;

const HOPS: Rule = Rule {
    code: "PC0116",
    why: "whoever can reach the listener could claim any address",
    fix: "give both `trusted_hops` and the networks of these proxies in `trusted_peers`, or neither",
};
const SAME_ADDRESS: Rule = Rule {
    code: "PC0118",
    why: "which zone a caller is in would be chance",
    fix: "give each listener an address of its own",
};

const EVERYBODY: Rule = Rule {
    code: "PC0158",
    why: "whoever is believed can claim any address",
    fix: "name the networks of the proxies in front, and nothing else",
};

/// A network of proxies has at least this long a prefix.
const NETWORK_BITS_MIN: u8 = 7;

const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(600));

pub(super) fn listeners(
    document: &Document,
    problems: &mut Problems<'_>,
) -> BTreeMap<ListenerId, Listener> {
    let mut listeners: BTreeMap<ListenerId, Listener> = BTreeMap::new();
    for (name, written) in &document.listeners {
        let path = ["listeners", name.as_str()];
        if !document.zones.contains_key(&written.zone) {
            let known = document.zones.keys().map(String::as_str);
            problems.dangling(&[path[0], path[1], "zone"], "zone", &written.zone, known);
        }
        let trusted_peers =
            check::networks(&written.trusted_peers, &[path[0], path[1], "trusted_peers"], problems);
        everybody(&trusted_peers, &[path[0], path[1], "trusted_peers"], problems);
        if (written.trusted_hops > 0) == trusted_peers.is_empty() {
            let message = "`trusted_hops` and `trusted_peers` need each other";
            problems.error(HOPS, &[path[0], path[1], "trusted_hops"], message);
        }
        let Ok(address) = written.address.parse::<SocketAddr>() else {
            let message = format!("`{}` is not an IP address with a port", written.address);
            problems.error(check::VALUE, &[path[0], path[1], "address"], message);
            continue;
        };
        let same =
            listeners.iter().find(|(_, other)| other.address == address && address.port() != 0);
        if let Some((other, _)) = same {
            let message = format!("`{name}` and `{other}` have the same address");
            problems.error(SAME_ADDRESS, &[path[0], path[1], "address"], message);
            problems.related(&[path[0], other.as_str(), "address"], "the other one");
        }
        let zone = ZoneId::new(&written.zone);
        let trusted_hops = written.trusted_hops;
        let protocols = protocols(&written.protocols, &[path[0], path[1], "protocols"], problems);
        let (lists, has_countries) = (written.addresses.as_ref(), document.countries.is_some());
        let listener = Listener {
            address,
            zone,
            trusted_hops,
            trusted_peers,
            proxy_protocol: proxy_protocol(name, written, problems),
            addresses: addresses(lists, &[path[0], path[1], "addresses"], has_countries, problems),
            protocols,
            tls: written
                .tls
                .as_ref()
                .map(|written| tls::tls(&[path[0], path[1], "tls"], written, problems)),
            advertised: sender::advertised(name, written, problems),
        };
        listeners.insert(ListenerId::new(name), listener);
    }
    // one that was written and not understood is said already
    if document.listeners.is_empty() {
        problems.error(check::VALUE, &["listeners"], "there is no listener");
    }
    listeners
}

fn proxy_protocol(
    name: &str,
    written: &document::Listener,
    problems: &mut Problems<'_>,
) -> Option<ProxyProtocol> {
    let written = written.proxy_protocol.as_ref()?;
    let path = ["listeners", name, "proxy_protocol", "peers"];
    let peers = check::networks(&written.peers, &path, problems);
    if written.peers.is_empty() {
        problems.error(check::VALUE, &path, "at least one");
    }
    everybody(&peers, &path, problems);
    Some(ProxyProtocol { peers, required: written.required })
}

/// Whoever is believed to speak for others must be somebody in particular.
fn everybody(peers: &[IpNet], path: &[&str], problems: &mut Problems<'_>) {
    for network in peers.iter().filter(|network| network.prefix_len() < NETWORK_BITS_MIN) {
        problems.error(EVERYBODY, path, format!("`{network}` is nearly everybody"));
    }
}

fn protocols(
    written: &[document::Protocol],
    path: &[&str],
    problems: &mut Problems<'_>,
) -> Vec<Protocol> {
    let mut protocols: Vec<Protocol> = written
        .iter()
        .map(|one| match one {
            document::Protocol::Http1 => Protocol::Http1,
            document::Protocol::Http2 => Protocol::Http2,
        })
        .collect();
    protocols.sort();
    protocols.dedup();
    if protocols.is_empty() || protocols.len() < written.len() {
        problems.error(check::VALUE, path, "at least one protocol, and each once");
    }
    protocols
}

pub(super) fn guards(written: &document::Guards, problems: &mut Problems<'_>) -> Guards {
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let head = check::size(
        &written.head_bytes_max,
        (1024, 1 << 20),
        &["guards", "head_bytes_max"],
        problems,
    );
    let target = check::size(
        &written.target_bytes_max,
        (256, 1 << 16),
        &["guards", "target_bytes_max"],
        problems,
    );
    let mut timeout =
        |text: &str, key: &str| check::duration(text, TIMEOUTS, &["guards", key], problems);
    Guards {
        head_bytes_max: small(head),
        headers_max: written.headers_max,
        target_bytes_max: small(target),
        head_timeout: timeout(&written.head_timeout, "head_timeout"),
        body_timeout: timeout(&written.body_timeout, "body_timeout"),
        idle_timeout: timeout(&written.idle_timeout, "idle_timeout"),
        connections_max: written.connections_max,
        connections_per_address_max: written.connections_per_address_max,
        streams_max: written.streams_max,
        // the shape has refused zero
        address_rate: NonZeroU32::new(written.address_rate).unwrap_or(NonZeroU32::MIN),
        failure_rate: NonZeroU32::new(written.failure_rate).unwrap_or(NonZeroU32::MIN),
        proofs_max: written.proofs_max,
    }
}

pub(super) fn records(written: &document::Records, problems: &mut Problems<'_>) -> Records {
    check::filled(&written.directory, &["records", "directory"], problems);
    check::filled(&written.seal_key, &["records", "seal_key"], problems);
    let rotate_bytes = check::size(
        &written.rotate_bytes,
        (1 << 16, 1 << 32),
        &["records", "rotate_bytes"],
        problems,
    );
    Records {
        directory: written.directory.clone(),
        rotate_bytes,
        keep_files: written.keep_files,
        seal_key: written.seal_key.clone(),
    }
}
