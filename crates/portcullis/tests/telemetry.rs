//! Does what operators are told arrive, is it true, and does nobody wait for it? The whole gateway
//! beside a collector that is there, is not there, or does not want it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use portcullis_testkit::Shop;
use portcullis_testkit::collector::{Collector, Span, attribute, hex};
use portcullis_testkit::shop::{get, request};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const ROUTE: &str = "/v1/tenants/{tenant}/orders";
const CLAIMED: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const FASTER: (&str, &str) =
    ("amount: 60, window: 1m, burst: 20", "amount: 99999, window: 1m, burst: 99999");

/// The shop with a collector and these further keys of `otlp`.
fn watched(collector: &str, more: &str, changes: &[(&str, &str)]) -> Shop {
    let otlp = format!(
        "policies: policies\ntelemetry: {{otlp: {{endpoint: \"{collector}\", interval: 200ms, \
         timeout: 1s, headers: {{x-tenant: {{file: state/pepper}}}}{more}}}}}"
    );
    let mut all = vec![("policies: policies", otlp.as_str()), FASTER];
    all.extend(changes);
    Shop::open(GATEWAY, &all)
}

/// The spans of a decision: the server's and, where there is one, the call's.
fn spans(collector: &Collector, record: &str) -> (Span, Option<Span>) {
    collector.wait_for(|arrived| {
        let of = |span: &&Span| {
            attribute(&span.attributes, "portcullis.record.id").as_deref() == Some(record)
        };
        let server = arrived.spans.iter().find(of)?.clone();
        let call = arrived.spans.iter().find(|span| span.parent_span_id == server.span_id);
        Some((server, call.cloned()))
    })
}

#[test]
fn a_crossing_and_a_refusal_arrive_as_spans_metrics_and_logs() {
    let collector = Collector::start();
    let shop = watched(&collector.endpoint(), "", &[]);
    let token = shop.issuer.token("alice");
    let allowed = shop.send(get(ORDERS, &token)).remove(0);
    assert_eq!(allowed.status, 200, "{allowed:?}");
    let seen = shop.upstream.take().remove(0);
    let denied = shop.send(request("GET", ORDERS, &[])).remove(0);
    assert_eq!(denied.status, 401);

    let (server, call) = spans(&collector, &allowed.id());
    let call = call.unwrap();
    let text = |key: &str| attribute(&server.attributes, key);
    assert_eq!((server.kind, server.name.as_str()), (2, format!("GET {ROUTE}").as_str()));
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", ROUTE),
        ("http.response.status_code", "200"),
        ("url.scheme", "http"),
        ("server.address", "api.shop.example"),
        ("portcullis.boundary", "web-to-services"),
        ("portcullis.operation", "listOrders"),
        ("portcullis.decision", "allow"),
    ] {
        assert_eq!(text(key).as_deref(), Some(value), "{key}: {server:?}");
    }
    assert_eq!(text("portcullis.reason"), None);
    let record = shop.gateway.outcome(&allowed.id());
    assert_eq!(text("portcullis.revision").as_deref(), Some(record.revision.as_str()));
    let note = record.span.unwrap();
    assert_eq!(hex(&server.trace_id), note.trace_id.to_string());
    assert_eq!(hex(&server.span_id), note.span_id.to_string());
    assert!(server.parent_span_id.is_empty() && server.links.is_empty());
    assert!(server.events.len() >= 6, "an event for each stage: {server:?}");
    assert!(server.end_time_unix_nano > server.start_time_unix_nano);

    assert_eq!((call.kind, hex(&call.span_id)), (3, note.call_id.to_string()));
    assert_eq!(attribute(&call.attributes, "portcullis.upstream").as_deref(), Some("orders"));
    assert_eq!(attribute(&call.attributes, "http.response.status_code").as_deref(), Some("200"));
    let port = shop.upstream.address.port().to_string();
    assert_eq!(attribute(&call.attributes, "server.port"), Some(port));
    let told = format!("00-{}-{}-03", note.trace_id, note.call_id);
    assert_eq!(seen.values("traceparent"), [told], "the upstream continues the call");

    let (refused, none) = spans(&collector, &denied.id());
    let text = |key: &str| attribute(&refused.attributes, key);
    assert_eq!(text("portcullis.decision").as_deref(), Some("deny"));
    assert_eq!(text("portcullis.reason").as_deref(), Some("identify.credential_missing"));
    assert_eq!((text("error.type"), none, refused.status), (None, None, None));

    let (log, resource) = collector.wait_for(|arrived| {
        let of = |id: &str| {
            let found = |log: &&_| record_of(log).as_deref() == Some(id);
            arrived.logs.iter().find(found).cloned()
        };
        of(&allowed.id())?;
        Some((of(&denied.id())?, arrived.resource.clone()))
    });
    assert_eq!((log.event_name.as_str(), log.severity_number), ("portcullis.decision", 13));
    assert_eq!(log.trace_id, refused.trace_id);
    assert_eq!(attribute(&resource, "service.namespace").as_deref(), Some("shop"));

    collector.wait_for(|arrived| {
        arrived.metrics.iter().find(|metric| metric.name == "portcullis_requests").map(|_| ())
    });
    let arrived = collector.arrived();
    let exports = &arrived.exports;
    assert!(exports.iter().all(|one| one.values("x-tenant").len() == 1), "the declared header");
    let everything: Vec<u8> = exports.iter().flat_map(|one| one.body.clone()).collect();
    let everything = String::from_utf8_lossy(&everything).into_owned();
    for personal in ["alice", ORDERS, token.as_str(), "127.0.0.1\u{12}"] {
        assert!(!everything.contains(personal), "{personal} was sent to the collector");
    }
}

fn record_of(log: &portcullis_testkit::collector::LogRecord) -> Option<String> {
    attribute(&log.attributes, "portcullis.record.id")
}

#[test]
fn d01_a_trace_that_nobody_trusts_is_linked_and_goes_no_further() {
    let collector = Collector::start();
    let shop = watched(&collector.endpoint(), "", &[]);
    let lines = [CLAIMED, "tracestate: evil=1", "baggage: user=root", "b3: 1-2-1"];
    let answer = shop.send(request("GET", "/v1/products", &lines)).remove(0);
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = shop.upstream.take().remove(0);
    let parents = seen.values("traceparent");
    assert!(parents.len() == 1 && !parents[0].contains("4bf92f3577b34da6"), "{seen:?}");
    for gone in ["tracestate", "baggage", "b3"] {
        assert!(seen.values(gone).is_empty(), "{gone} crossed: {seen:?}");
    }
    let (server, _) = spans(&collector, &answer.id());
    assert_ne!(hex(&server.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(server.parent_span_id.is_empty());
    assert_eq!(hex(&server.links[0].trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&server.links[0].span_id), "00f067aa0ba902b7");
    let stripped = shop.gateway.outcome(&answer.id()).request.stripped;
    assert_eq!(stripped, ["b3", "baggage", "traceparent", "tracestate"]);
}

#[test]
fn d01_malformed_and_doubled_trace_contexts_are_none() {
    let collector = Collector::start();
    let shop = watched(&collector.endpoint(), "", &[TRUSTING]);
    for lines in [
        vec!["traceparent: 00-zz"],
        vec!["traceparent: ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
        vec!["traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
        vec![CLAIMED, CLAIMED],
        vec!["tracestate: a=1", "baggage: tier=gold"],
    ] {
        let answer = shop.send(request("GET", "/v1/products", &lines)).remove(0);
        assert_eq!(answer.status, 200, "nothing is refused for it: {lines:?}");
        let seen = shop.upstream.take().remove(0);
        let note = shop.gateway.outcome(&answer.id()).span.unwrap();
        assert_eq!((note.parent_span_id, note.link), (None, None), "{lines:?}");
        assert_eq!(seen.values("traceparent").len(), 1);
        assert!(seen.values("tracestate").is_empty(), "{lines:?}");
    }
    let named = request("GET", "/v1/products", &["connection: traceparent", CLAIMED]);
    shop.refuses("connection names it", named, "receive.invalid_header");
}

const TRUSTING: (&str, &str) = (
    "    inspection: {body_bytes_max: 16KiB, json_depth_max: 16}\n",
    "    inspection: {body_bytes_max: 16KiB, json_depth_max: 16}\n    \
     trace: {context: continue, baggage: [tier]}\n",
);

#[test]
fn a_trusted_trace_goes_on_with_the_baggage_that_is_listed() {
    let collector = Collector::start();
    let shop = watched(&collector.endpoint(), ", sample_one_in: 1000000", &[TRUSTING]);
    let lines = [CLAIMED, "tracestate: a=1", "tracestate: b=2", "baggage: user=root, tier=gold;x"];
    let answer = shop.send(request("GET", "/v1/products", &lines)).remove(0);
    let seen = shop.upstream.take().remove(0);
    let note = shop.gateway.outcome(&answer.id()).span.unwrap();
    assert_eq!(note.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(note.parent_span_id.unwrap().to_string(), "00f067aa0ba902b7");
    assert_eq!(seen.values("traceparent"), [format!("00-{}-{}-01", note.trace_id, note.call_id)]);
    assert_eq!(seen.values("tracestate"), ["a=1,b=2"]);
    assert_eq!(seen.values("baggage"), ["tier=gold"]);
    let (server, call) = spans(&collector, &answer.id());
    assert_eq!(hex(&server.parent_span_id), "00f067aa0ba902b7");
    assert!(server.links.is_empty() && call.is_some(), "the caller's decision to keep it holds");
    // the caller did not keep its span, so neither is this one kept
    let unkept = CLAIMED.replace("b7-01", "b7-00");
    let quiet = shop.send(request("GET", "/v1/products", &[&unkept])).remove(0);
    let own = shop.send(request("GET", "/v1/products", &[])).remove(0);
    for answer in [&quiet, &own] {
        assert!(!shop.gateway.outcome(&answer.id()).span.unwrap().sampled);
        collector.wait_for(|arrived| {
            arrived.logs.iter().find(|log| record_of(log) == Some(answer.id()))?;
            Some(())
        });
    }
    assert_eq!(collector.arrived().spans.len(), 2, "decisions are not sampled, spans are");
}

#[test]
fn without_telemetry_a_trusted_trace_passes_and_another_ends() {
    let shop = Shop::open(GATEWAY, &[TRUSTING]);
    let lines = [CLAIMED, "baggage: tier=gold, user=root"];
    let answer = shop.send(request("GET", "/v1/products", &lines)).remove(0);
    let seen = shop.upstream.take().remove(0);
    assert_eq!(seen.values("traceparent"), [CLAIMED.trim_start_matches("traceparent: ")]);
    assert_eq!(seen.values("baggage"), ["tier=gold"]);
    let note = shop.gateway.outcome(&answer.id()).span.unwrap();
    assert_eq!(note.span_id.to_string(), "00f067aa0ba902b7");
    let shop = Shop::open(GATEWAY, &[]);
    let answer = shop.send(request("GET", "/v1/products", &lines)).remove(0);
    let seen = shop.upstream.take().remove(0);
    assert!(seen.values("traceparent").is_empty() && seen.values("baggage").is_empty());
    assert_eq!(shop.gateway.outcome(&answer.id()).span, None);
}

/// Memory in use.
fn resident_bytes(shop: &Shop) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", shop.gateway.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// A number of the metrics.
fn number(shop: &Shop, line: &str) -> Option<f64> {
    let (_, text) = shop.gateway.admin("GET", "/metrics");
    let found = text.lines().find_map(|one| one.strip_prefix(line))?;
    found.trim().parse().ok()
}

#[test]
fn a_collector_that_is_down_is_nobodys_wait() {
    // an address on which nobody listens
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let shop = watched(&endpoint, ", queue_max: 64", &[]);
    let before = resident_bytes(&shop);
    let begun = Instant::now();
    for _ in 0..600 {
        let answer = shop.send(request("GET", "/v1/products", &[])).remove(0);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "requests waited");
    let dropped = || number(&shop, "portcullis_telemetry_dropped_total{signal=\"logs\"}");
    let patience = Instant::now();
    while dropped().unwrap_or_default() < 400.0 {
        assert!(patience.elapsed() < Duration::from_secs(10), "{:?}", dropped());
        std::thread::sleep(Duration::from_millis(20));
    }
    let grown = resident_bytes(&shop).saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "memory grew by {grown} bytes");
    let failures = number(&shop, "portcullis_telemetry_failures_total{signal=\"traces\"}");
    assert!(failures.unwrap_or_default() >= 1.0);
}

#[test]
fn what_a_collector_cannot_take_now_is_sent_again_and_what_it_refuses_is_not() {
    let collector = Collector::start();
    collector.answer("503 Service Unavailable");
    let shop = watched(&collector.endpoint(), ", signals: [logs]", &[]);
    let answer = shop.send(request("GET", "/v1/products", &[])).remove(0);
    let exports = |at_least: usize| {
        collector.wait_for(|arrived| (arrived.exports.len() >= at_least).then_some(()));
    };
    exports(2);
    collector.take_everything();
    let sent = "portcullis_telemetry_sent_total{signal=\"logs\"}";
    let patience = Instant::now();
    while number(&shop, sent) != Some(1.0) {
        assert!(patience.elapsed() < Duration::from_secs(10), "{:?}", number(&shop, sent));
        std::thread::sleep(Duration::from_millis(20));
    }
    let bodies: Vec<_> = collector.arrived().exports.into_iter().map(|one| one.body).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "the same export again");
    assert!(collector.arrived().spans.is_empty() && collector.arrived().metrics.is_empty());
    assert_eq!(record_of(&collector.arrived().logs[0]), Some(answer.id()));
    collector.answer("400 Bad Request");
    let before = collector.arrived().exports.len();
    let _answer = shop.send(request("GET", "/v1/products", &[])).remove(0);
    exports(before + 1);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(collector.arrived().exports.len(), before + 1, "what is refused is not sent again");
}

#[test]
fn the_last_spans_are_sent_when_it_stops() {
    let collector = Collector::start();
    let mut shop = watched(&collector.endpoint(), "", &[("interval: 200ms", "interval: 1h")]);
    let answer = shop.send(request("GET", "/v1/products", &[])).remove(0);
    assert!(collector.arrived().exports.is_empty(), "it is not time yet");
    let pid = shop.gateway.pid().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    shop.gateway.ended();
    let arrived = collector.arrived();
    let of =
        |span: &&Span| attribute(&span.attributes, "portcullis.record.id") == Some(answer.id());
    assert!(arrived.spans.iter().any(|span| of(&span)), "{arrived:#?}");
    assert!(arrived.metrics.iter().any(|metric| metric.name == "portcullis_requests"));
}
