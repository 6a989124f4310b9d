//! Which APIs are served under which hosts?

use std::collections::BTreeMap;

use portcullis_model::{ApiId, UpstreamId, ZoneId};

use crate::check;
use crate::declaration::{Api, Declared};
use crate::document::Document;
use crate::problems::{Problems, Rule};
use crate::resolve::{cors, headers, life, protected, routes, stream};

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
            streams: stream::streams(name, &written.streams, problems),
            protected_resource: written
                .protected_resource
                .as_ref()
                .map(|protected| protected::resource(name, written, protected, problems)),
            data: written.data.iter().cloned().collect(),
        };
        apis.insert(ApiId::new(name), api);
    }
    apis
}
