//! Which APIs are served under which hosts, and where are they carried?

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_model::{ApiId, UpstreamId, ZoneId};

use crate::check;
use crate::declaration::{Api, Declared, Upstream};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};
use crate::resolve::{cors, headers, life, routes};

const HOST: Rule = Rule {
    code: "PC0107",
    why: "requests are matched by host, in lower case and without port",
    fix: "write a host such as `api.shop.example`; the port is the listener's",
};
const BASE_PATH: Rule = Rule {
    code: "PC0107",
    why: "requests are matched by whole, canonical segments",
    fix: "write nothing, or `/v1` without a final slash",
};

const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(600));

pub(super) fn apis(document: &Document, problems: &mut Problems<'_>) -> BTreeMap<ApiId, Api> {
    let mut apis = BTreeMap::new();
    for (name, written) in &document.apis {
        let at = |key| ["apis", name.as_str(), key];
        if !document.zones.contains_key(&written.zone) {
            let known = document.zones.keys().map(String::as_str);
            problems.dangling(&at("zone"), "zone", &written.zone, known);
        }
        if !document.upstreams.contains_key(&written.upstream) {
            let known = document.upstreams.keys().map(String::as_str);
            problems.dangling(&at("upstream"), "upstream", &written.upstream, known);
        }
        check::inside(&written.contract, &at("contract"), problems);
        check::filled(&written.owner, &at("owner"), problems);
        if !check::is_base_path(&written.base_path) {
            let message = format!("`{}` is not a base path", written.base_path);
            problems.error(BASE_PATH, &at("base_path"), message);
        }
        let hosts = check::set(&written.hosts, &at("hosts"), problems);
        for host in &hosts {
            if !check::is_host(host) {
                problems.error(HOST, &at("hosts"), format!("`{host}` is not a host"));
            }
        }
        let api = Api {
            contract: Declared {
                value: written.contract.clone(),
                span: problems.span(&at("contract")),
            },
            hosts,
            base_path: written.base_path.clone(),
            zone: ZoneId::new(&written.zone),
            upstream: UpstreamId::new(&written.upstream),
            rewrite: written
                .rewrite
                .as_ref()
                .map(|written| routes::rewrite(&at("rewrite"), written, problems)),
            routes: routes::routes(document, name, &written.routes, problems),
            owner: written.owner.clone(),
            life: life::life(name, written, problems),
            cors: written.cors.as_ref().map(|written| cors::cors(name, written, problems)),
            request_headers: headers::request_headers(name, &written.request_headers, problems),
            data: written.data.iter().cloned().collect(),
        };
        apis.insert(ApiId::new(name), api);
    }
    apis
}

pub(super) fn upstreams(
    written: &BTreeMap<String, document::Upstream>,
    problems: &mut Problems<'_>,
) -> BTreeMap<UpstreamId, Upstream> {
    let mut upstreams = BTreeMap::new();
    for (name, written) in written {
        let Some((host, port)) = address(&written.address) else {
            let message = format!("`{}` is not `host:port`", written.address);
            problems.error(check::VALUE, &["upstreams", name, "address"], message);
            continue;
        };
        let mut timeout = |text: &str, key: &str| {
            check::duration(text, TIMEOUTS, &["upstreams", name, key], problems)
        };
        let upstream = Upstream {
            host,
            port,
            connect_timeout: timeout(&written.connect_timeout, "connect_timeout"),
            response_timeout: timeout(&written.response_timeout, "response_timeout"),
            idle_timeout: timeout(&written.idle_timeout, "idle_timeout"),
            connections_max: written.connections_max,
        };
        upstreams.insert(UpstreamId::new(name), upstream);
    }
    upstreams
}

fn address(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    check::is_host(host).then(|| (host.trim_matches(['[', ']']).to_owned(), port))
}
