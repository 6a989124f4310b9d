//! Where are requests carried, and can every rule on the way there be kept?

mod address;
mod rules;
mod signature;
mod tls;

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_model::UpstreamId;

use super::tokens;
use crate::check;
use crate::declaration::Upstream;
use crate::document::Document;
use crate::problems::Problems;

use self::rules::TIMES;

const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(600));

/// Trailers that would change how a message is read or whom it is from (RFC 9110 section 6.5.1).
const NEVER_TRAILERS: [&str; 14] = [
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "keep-alive",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn upstreams(
    document: &Document,
    problems: &mut Problems<'_>,
) -> BTreeMap<UpstreamId, Upstream> {
    let mut upstreams = BTreeMap::new();
    for (name, written) in &document.upstreams {
        let Some(addresses) = address::addresses(name, written, problems) else { continue };
        let mut timeout = |text: &str, key: &str| {
            check::duration(text, TIMEOUTS, &["upstreams", name, key], problems)
        };
        let connect_timeout = timeout(&written.connect_timeout, "connect_timeout");
        let response_timeout = timeout(&written.response_timeout, "response_timeout");
        let idle_timeout = timeout(&written.idle_timeout, "idle_timeout");
        let try_timeout = written.try_timeout.as_ref().map(|text| timeout(text, "try_timeout"));
        let overall = written.overall_timeout.as_ref();
        let overall_timeout = overall.map(|text| {
            let longest = (TIMEOUTS.0, Duration::from_secs(86_400));
            check::duration(text, longest, &["upstreams", name, "overall_timeout"], problems)
        });
        if try_timeout.is_some_and(|one| one >= response_timeout) {
            let message = "one try may take as long as all of them";
            problems.error(TIMES, &["upstreams", name, "try_timeout"], message);
        }
        if overall_timeout.is_some_and(|all| all < response_timeout) {
            let message = "all of the response may take less time than its head";
            problems.error(TIMES, &["upstreams", name, "overall_timeout"], message);
        }
        let upstream = Upstream {
            class: address::class(name, written, problems),
            dns: rules::dns(name, written, &addresses, problems),
            balance: rules::balance(name, written, &addresses, problems),
            token: tokens::of_upstream(
                name,
                written,
                document.tokens.is_some(),
                address::are_local(&addresses),
                problems,
            ),
            protocol: tls::protocol(name, written, problems),
            tls: written.tls.as_ref().map(|tls| tls::tls(name, tls, problems)),
            signature: signature::signature(name, written, problems),
            connect_timeout,
            try_timeout,
            response_timeout,
            idle_timeout,
            overall_timeout,
            connections_max: written.connections_max,
            health: rules::health(name, written, problems),
            outlier: rules::outlier(name, written, &addresses, problems),
            circuit: rules::circuit(written),
            retries: rules::retries(name, written, problems),
            trailers: trailers(name, &written.trailers, problems),
            span: problems.span(&["upstreams", name]),
            addresses,
        };
        upstreams.insert(UpstreamId::new(name), upstream);
    }
    upstreams
}

fn trailers(name: &str, written: &[String], problems: &mut Problems<'_>) -> Vec<String> {
    let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    for (index, text) in written.iter().enumerate() {
        let good = !text.is_empty() && text.bytes().all(token);
        if !good || NEVER_TRAILERS.contains(&text.as_str()) {
            let message = format!("`{text}` cannot be a trailer that is passed on");
            let path = ["upstreams", name, "trailers", &index.to_string()];
            problems.error(check::VALUE, &path, message);
        }
    }
    written.to_vec()
}
