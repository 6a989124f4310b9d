//! Do the names stand for something, and are the values in their bounds? A [`Document`] becomes a
//! [`Declaration`]; what can be wrong only between two parts of the file is found here.

mod acme;
mod addresses;
mod admin;
mod api;
mod assurance;
mod boundary;
mod certificate;
mod claims;
mod cors;
mod exchange;
mod headers;
mod introspection;
mod keys;
mod life;
mod listener;
mod own_address;
mod profile;
mod protected;
mod provider;
mod routes;
mod secret;
mod sender;
mod signed;
mod stream;
mod telemetry;
mod tls;
mod tokens;
mod upstream;
mod workload;

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::ZoneId;

use crate::check;
use crate::declaration::{Declaration, Declared};
use crate::document::Document;
use crate::problems::{Problems, Rule};

const UNUSED: Rule = Rule {
    code: "PC0113",
    why: "what nothing refers to has no effect, and readers will think that it has",
    fix: "refer to it, or remove it",
};
const UNREACHABLE: Rule = Rule {
    code: "PC0111",
    why: "no request can ever take this crossing",
    fix: "declare what is missing, or remove the boundary",
};
const UNREACHED: Rule = Rule {
    code: "PC0112",
    why: "every request to it is refused",
    fix: "declare a boundary for it, if it is meant to be used",
};

/// Resolves a document. The declaration counts only where no error was said.
pub(crate) fn resolve(document: &Document, problems: &mut Problems<'_>) -> Declaration {
    for (section, names) in sections(document) {
        for name in names {
            check::name(name, &[section, name], problems);
        }
    }
    check::name(&document.estate, &["estate"], problems);
    check::inside(&document.policies, &["policies"], problems);
    let zones: BTreeSet<ZoneId> = document.zones.keys().map(|name| ZoneId::new(name)).collect();
    let policies =
        Declared { span: problems.span(&["policies"]), value: document.policies.clone() };
    let declaration = Declaration {
        listeners: listener::listeners(document, problems),
        providers: provider::providers(&document.providers, problems),
        apis: api::apis(document, problems),
        upstreams: upstream::upstreams(document, problems),
        tokens: tokens::tokens(document, problems),
        limits: boundary::limits(&document.limits, problems),
        countries: document
            .countries
            .as_ref()
            .map(|written| addresses::countries(document, written, problems)),
        boundaries: boundary::boundaries(document, problems),
        guards: listener::guards(&document.guards, problems),
        admin: admin::admin(document, problems),
        records: listener::records(&document.records, problems),
        telemetry: telemetry::telemetry(document, problems),
        estate: document.estate.clone(),
        zones,
        policies,
    };
    // what nothing refers to may have been meant by a name that stands for nothing
    unused(document, problems);
    unreachable(document, problems);
    certificate::usable(document, problems);
    signed::usable(document, problems);
    introspection::usable(document, problems);
    declaration
}

fn keys<T>(map: &BTreeMap<String, T>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

fn sections(document: &Document) -> [(&'static str, Vec<&str>); 7] {
    [
        ("zones", keys(&document.zones)),
        ("listeners", keys(&document.listeners)),
        ("providers", keys(&document.providers)),
        ("upstreams", keys(&document.upstreams)),
        ("apis", keys(&document.apis)),
        ("limits", keys(&document.limits)),
        ("boundaries", keys(&document.boundaries)),
    ]
}

/// Law 6: what parses and is not enforced is an error.
fn unused(document: &Document, problems: &mut Problems<'_>) {
    let boundaries = || document.boundaries.values();
    let provider = |name: &String| {
        boundaries().any(|one| one.identity.providers.contains(name))
            || exchange::uses(document, name)
    };
    let limit = |name: &String| boundaries().any(|one| one.limits.contains(name));
    let upstream = |name: &String| {
        let mut apis = document.apis.values();
        apis.any(|api| {
            api.upstream == *name || api.routes.iter().any(|route| route.upstream == *name)
        })
    };
    let idle = |names: Vec<&str>, is_used: &dyn Fn(&String) -> bool| -> Vec<String> {
        names.into_iter().map(str::to_owned).filter(|name| !is_used(name)).collect()
    };
    let checks = [
        (
            "provider",
            "providers",
            "no boundary accepts provider",
            idle(keys(&document.providers), &provider),
        ),
        ("limit", "limits", "no boundary applies limit", idle(keys(&document.limits), &limit)),
        (
            "upstream",
            "upstreams",
            "no API is carried to upstream",
            idle(keys(&document.upstreams), &upstream),
        ),
    ];
    for (kind, section, message, names) in checks {
        if problems.is_doubtful(kind) {
            continue;
        }
        for name in names {
            problems.error(UNUSED, &[section, &name], format!("{message} `{name}`"));
        }
    }
    let zone = |name: &String| {
        document.listeners.values().any(|listener| listener.zone == *name)
            || document.apis.values().any(|api| api.zone == *name)
    };
    if !problems.is_doubtful("zone") {
        for name in idle(keys(&document.zones), &zone) {
            problems.warning(UNUSED, &["zones", &name], format!("nothing is in zone `{name}`"));
        }
    }
}

fn unreachable(document: &Document, problems: &mut Problems<'_>) {
    if problems.is_doubtful("zone") {
        return;
    }
    for (name, boundary) in &document.boundaries {
        if !document.listeners.values().any(|listener| listener.zone == boundary.from) {
            let message =
                format!("no listener is in zone `{}`, from which `{name}` leads", boundary.from);
            problems.error(UNREACHABLE, &["boundaries", name, "from"], message);
        }
        if !document.apis.values().any(|api| api.zone == boundary.to) {
            let message = format!("no API is in zone `{}`, to which `{name}` leads", boundary.to);
            problems.error(UNREACHABLE, &["boundaries", name, "to"], message);
        }
    }
    for (name, api) in &document.apis {
        if !document.boundaries.values().any(|boundary| boundary.to == api.zone) {
            let message = format!("no boundary leads to API `{name}`");
            problems.warning(UNREACHED, &["apis", name], message);
        }
    }
    for (name, listener) in &document.listeners {
        if !document.boundaries.values().any(|boundary| boundary.from == listener.zone) {
            let message = format!("no boundary leads from listener `{name}`");
            problems.warning(UNREACHED, &["listeners", name], message);
        }
    }
}
