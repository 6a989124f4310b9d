//! May operators' data go where it is to go, and is a trace believed with open eyes?

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::keys::is_safe_url;
use crate::check;
use crate::declaration::{Otlp, SecretRef, Signal, Telemetry, Tracing};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};

const BAGGAGE: Rule = Rule {
    code: "PC0160",
    why: "what a caller puts into a trace that is not believed would be believed behind the boundary",
    fix: "set `context: continue` where callers are trusted, or remove `baggage`",
};
const ENDPOINT: Rule = Rule {
    code: "PC0161",
    why: "who asked for what is nobody else's business, and neither are the headers of the exporter",
    fix: "use `https://host:port`, without query; `http://` only to a loopback address",
};
const HEADER: Rule = Rule {
    code: "PC0162",
    why: "the export would be read in another way than it is written, or not at all",
    fix: "use a name in lower case, such as `authorization` or `x-api-key`",
};
const OPEN: Rule = Rule {
    code: "PC0163",
    why: "metrics name boundaries and operations, and this address asks nobody who they are",
    fix: "use a loopback address, or a network that only Prometheus reaches",
};
const SIGNALS: Rule = Rule {
    code: "PC0164",
    why: "a collector that is sent nothing tells nobody anything",
    fix: "name at least one of `traces`, `metrics`, `logs`, each once; or remove `otlp`",
};
const SAME_ADDRESS: Rule = Rule {
    code: "PC0118",
    why: "which of the two answers would be chance",
    fix: "give the metrics an address of their own",
};

const INTERVALS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3600));
const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// Headers that the exporter writes itself.
const TAKEN: [&str; 9] = [
    "accept",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];

pub(super) fn telemetry(document: &Document, problems: &mut Problems<'_>) -> Telemetry {
    let written = &document.telemetry;
    let metrics_address =
        written.prometheus.as_ref().and_then(|written| address(document, written, problems));
    Telemetry { otlp: written.otlp.as_ref().map(|one| otlp(one, problems)), metrics_address }
}

/// What a boundary believes.
pub(super) fn tracing(
    boundary: &str,
    written: &document::Tracing,
    problems: &mut Problems<'_>,
) -> Tracing {
    let path = ["boundaries", boundary, "trace", "baggage"];
    let continues = match written.context {
        document::Context::Restart => false,
        document::Context::Continue => true,
    };
    if !continues && !written.baggage.is_empty() {
        let message =
            format!("`{boundary}` carries on baggage of traces that it does not continue");
        problems.error(BAGGAGE, &path, message);
    }
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    for (index, key) in written.baggage.iter().enumerate() {
        let path = [path[0], path[1], path[2], path[3], &index.to_string()];
        if key.is_empty() || !key.bytes().all(token) {
            problems.error(check::VALUE, &path, format!("`{key}` cannot be a key of `baggage`"));
        }
        if written.baggage.iter().take(index).any(|earlier| earlier == key) {
            problems.error(check::VALUE, &path, format!("`{key}` stands twice"));
        }
    }
    Tracing { continues, baggage: written.baggage.clone() }
}

fn address(
    document: &Document,
    written: &document::Prometheus,
    problems: &mut Problems<'_>,
) -> Option<SocketAddr> {
    let path = ["telemetry", "prometheus", "address"];
    let Ok(address) = written.address.parse::<SocketAddr>() else {
        let message = format!("`{}` is not an IP address with a port", written.address);
        problems.error(check::VALUE, &path, message);
        return None;
    };
    let taken = document.listeners.iter().find(|(_, listener)| {
        address.port() != 0 && listener.address.parse::<SocketAddr>() == Ok(address)
    });
    if let Some((listener, _)) = taken {
        problems.error(SAME_ADDRESS, &path, format!("listener `{listener}` has this address"));
        problems.related(&["listeners", listener, "address"], "the other one");
    }
    if !address.ip().is_loopback() {
        let message = format!("whoever can reach {address} can read the metrics");
        problems.warning(OPEN, &path, message);
    }
    Some(address)
}

fn otlp(written: &document::Otlp, problems: &mut Problems<'_>) -> Otlp {
    let at = |key| ["telemetry", "otlp", key];
    let endpoint = written.endpoint.trim_end_matches('/').to_owned();
    if !is_safe_url(&endpoint) || endpoint.contains(['?', '#']) {
        let message = format!("nothing can be sent safely to `{}`", written.endpoint);
        problems.error(ENDPOINT, &at("endpoint"), message);
    }
    let headers = written.headers.iter().map(|(name, secret)| {
        let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || !name.bytes().all(token) || TAKEN.contains(&name.as_str()) {
            let path = ["telemetry", "otlp", "headers", name];
            problems.error(HEADER, &path, format!("`{name}` cannot be a header of exports"));
        }
        let secret = match secret {
            document::Secret::Env(name) => SecretRef::Env(name.clone()),
            document::Secret::File(path) => SecretRef::File(path.clone()),
        };
        (name.clone(), secret)
    });
    let headers = headers.collect();
    if let Some(roots) = &written.roots {
        check::filled(roots, &at("roots"), problems);
    }
    let signals = written.signals.iter().map(|signal| match signal {
        document::Signal::Traces => Signal::Traces,
        document::Signal::Metrics => Signal::Metrics,
        document::Signal::Logs => Signal::Logs,
    });
    let signals: BTreeSet<Signal> = signals.collect();
    if signals.is_empty() || signals.len() < written.signals.len() {
        problems.error(SIGNALS, &at("signals"), "each at most once, and at least one");
    }
    let networks = check::networks(&written.allow_addresses, &at("allow_addresses"), problems);
    Otlp {
        endpoint,
        headers,
        roots: written.roots.clone(),
        allow_addresses: networks,
        signals,
        sample_one_in: written.sample_one_in,
        interval: check::duration(&written.interval, INTERVALS, &at("interval"), problems),
        timeout: check::duration(&written.timeout, TIMEOUTS, &at("timeout"), problems),
        queue_max: written.queue_max,
    }
}
