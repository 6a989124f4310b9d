//! What happens when an upstream has several addresses, and some of them are slow, broken or gone?

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use portcullis_testkit::raw::{Answer, connect};
use portcullis_testkit::shop::{get, post, request};
use portcullis_testkit::upstream::Seen;
use portcullis_testkit::{Behaviour, Shop, Upstream};

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const ORDERS: &str = "/v1/tenants/acme/orders";
const MORE: (&str, &str) =
    ("rate: {amount: 60, window: 1m, burst: 20}", "rate: {amount: 9999, window: 1m, burst: 9999}");
const HEALTH: &str = "health: {path: /healthz, interval: 300ms, timeout: 300ms, unhealthy_after: 2, healthy_after: 1}";
const DECLARED: &str = "orders: {address: \"127.0.0.1:8091\", ";

/// The shop with orders at several addresses, under these rules.
fn open(count: usize, rules: &str) -> (Vec<Upstream>, Shop) {
    let upstreams: Vec<Upstream> = (0..count).map(|_| Upstream::start()).collect();
    let addresses: Vec<String> =
        upstreams.iter().map(|one| format!("\"{}\"", one.address)).collect();
    let declared = format!("orders: {{addresses: [{}], {rules}, ", addresses.join(", "));
    let shop = Shop::open(GATEWAY, &[MORE, (DECLARED, &declared)]);
    (upstreams, shop)
}

fn products(search: usize) -> String {
    request("GET", &format!("/v1/products?search=n{search}"), &[])
}

fn order(number: usize) -> String {
    let note = format!("n-{number}");
    format!(
        "{{\"customer\":\"a@example.org\",\"note\":\"{note}\",\"lines\":[{{\"sku\":\"ABC-0001\",\"amount\":1}}]}}"
    )
}

/// Requests of callers, without those of health checks.
fn carried(upstream: &Upstream) -> Vec<Seen> {
    upstream.take().into_iter().filter(|seen| seen.head.contains(" /v1")).collect()
}

/// Sends so many requests from several threads, each over a connection of its own.
fn send_all<T: AsRef<[u8]>>(
    shop: &Shop,
    threads: usize,
    count: usize,
    make: impl Fn(usize) -> T + Sync,
) -> Vec<(usize, Answer, Duration)> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let answers = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let begun = Instant::now();
                    let answer = shop.send(make(number)).remove(0);
                    answers.lock().unwrap().push((number, answer, begun.elapsed()));
                }
            });
        }
    });
    answers.into_inner().unwrap()
}

#[test]
fn requests_spread_and_a_slow_address_gets_fewer() {
    let (upstreams, shop) = open(3, "balance: least_request");
    for (_, answer, _) in send_all(&shop, 6, 90, products) {
        assert_eq!(answer.status, 200);
    }
    let shares: Vec<usize> = upstreams.iter().map(|one| one.take().len()).collect();
    assert_eq!(shares.iter().sum::<usize>(), 90);
    assert!(shares.iter().all(|share| *share >= 12), "{shares:?}");
    upstreams[0].behave(Behaviour::Slow(Duration::from_millis(400)));
    for (_, answer, _) in send_all(&shop, 6, 90, products) {
        assert_eq!(answer.status, 200);
    }
    let shares: Vec<usize> = upstreams.iter().map(|one| one.take().len()).collect();
    assert!(shares[0] < 20 && shares[0] < shares[1].min(shares[2]), "{shares:?}");
}

/// Whether a line of the metrics says this.
fn metrics(shop: &Shop, line: &str) -> bool {
    let (_, text) = shop.gateway.admin("GET", "/metrics");
    text.lines().any(|known| known == format!("portcullis_{line}"))
}

/// Waits until so many addresses are counted as unhealthy.
fn until_unhealthy(shop: &Shop, count: usize) {
    let line = format!("upstream_endpoints{{upstream=\"orders\",state=\"unhealthy\"}} {count}");
    let begun = Instant::now();
    while !metrics(shop, &line) {
        assert!(begun.elapsed() < Duration::from_secs(15), "never {line}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Which address each principal is carried to.
fn homes(shop: &Shop, upstreams: &[Upstream]) -> BTreeMap<String, BTreeSet<usize>> {
    let requests: Vec<String> =
        (0..24).map(|one| get(ORDERS, &shop.issuer.token(&format!("p{one}")))).collect();
    for (_, answer, _) in send_all(shop, 4, 48, |number| &requests[number % 24]) {
        assert_eq!(answer.status, 200);
    }
    let mut homes: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (at, upstream) in upstreams.iter().enumerate() {
        for seen in carried(upstream) {
            let principal = seen.values("x-portcullis-principal").remove(0);
            homes.entry(principal).or_default().insert(at);
        }
    }
    homes
}

#[test]
fn a_principal_stays_where_it_is_when_another_address_leaves() {
    let (upstreams, shop) = open(4, &format!("balance: by_principal, {HEALTH}"));
    let before = homes(&shop, &upstreams);
    assert_eq!(before.len(), 24);
    assert!(before.values().all(|homes| homes.len() == 1), "{before:?}");
    let used: BTreeSet<usize> = before.values().flatten().copied().collect();
    let left = *used.first().unwrap();
    assert!(used.len() > 1);
    let sick = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned();
    upstreams[left].behave(Behaviour::BytesThenClose(sick));
    until_unhealthy(&shop, 1);
    let after = homes(&shop, &upstreams);
    for (principal, home) in &after {
        let stayed = *home == before[principal];
        assert_eq!(stayed, !before[principal].contains(&left), "{principal}: {home:?}");
    }
    upstreams[left].behave(Behaviour::Answer);
    until_unhealthy(&shop, 0);
    assert_eq!(homes(&shop, &upstreams), before, "it is back");
}

#[test]
fn without_a_healthy_address_nobody_is_asked() {
    let (upstreams, shop) = open(2, HEALTH);
    for upstream in &upstreams {
        upstream.behave(Behaviour::Close);
    }
    until_unhealthy(&shop, 2);
    let _health: Vec<_> = upstreams.iter().map(Upstream::take).collect();
    let answer = shop.send(products(1)).remove(0);
    assert_eq!((answer.status, answer.code().as_str()), (503, "forward.upstream_unhealthy"));
    let record = shop.gateway.outcome(&answer.id());
    assert_eq!(record.reason.unwrap().code(), "forward.upstream_unhealthy");
    assert!(upstreams.iter().all(|one| carried(one).is_empty()));
}

#[test]
fn an_address_that_answers_badly_is_ejected_and_comes_back() {
    let rules = "retries: {attempts_max: 0}, outlier: {consecutive_failures: 3, eject_for: 4s, eject_for_max: 5s}";
    let (upstreams, shop) = open(2, rules);
    let bad = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned();
    upstreams[0].behave(Behaviour::Bytes(bad));
    let statuses: Vec<u16> =
        send_all(&shop, 1, 40, products).iter().map(|(_, answer, _)| answer.status).collect();
    let failed = statuses.iter().filter(|status| **status == 503).count();
    assert_eq!(failed, 3, "{statuses:?}");
    assert_eq!(upstreams[0].take().len(), 3);
    assert!(metrics(&shop, "upstream_ejections_total{upstream=\"orders\"} 1"));
    upstreams[0].behave(Behaviour::Answer);
    std::thread::sleep(Duration::from_millis(4200));
    for (_, answer, _) in send_all(&shop, 1, 40, products) {
        assert_eq!(answer.status, 200);
    }
    assert!(!upstreams[0].take().is_empty(), "it is back");
}

#[test]
fn an_address_that_never_answers_is_ejected() {
    let upstreams = [Upstream::start(), Upstream::start()];
    let rules = "retries: {attempts_max: 0}, outlier: {consecutive_failures: 2, eject_for: 1m}";
    let [one, other] = [upstreams[0].address, upstreams[1].address];
    let declared = format!("orders: {{addresses: [\"{one}\", \"{other}\"], {rules}, ");
    let short = ("response_timeout: 2s", "response_timeout: 600ms");
    let shop = Shop::open(GATEWAY, &[MORE, (DECLARED, &declared), short]);
    upstreams[0].behave(Behaviour::Silent);
    let answers = send_all(&shop, 1, 40, products);
    let late = answers.iter().filter(|(_, answer, _)| answer.status == 504).count();
    assert_eq!((late, upstreams[0].take().len()), (2, 2));
}

#[test]
fn an_address_whose_answers_break_off_is_ejected() {
    let rules = "retries: {attempts_max: 0}, outlier: {consecutive_failures: 3, eject_for: 1m}";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    for (case, half) in [
        ("a length", format!("{head}Content-Length: 100\r\n\r\n[")),
        ("chunks", format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n")),
        ("bad chunks", format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\nx\r\n")),
        ("two lengths", format!("{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n[]")),
    ] {
        let (upstreams, shop) = open(2, rules);
        upstreams[0].behave(Behaviour::BytesThenClose(half));
        for number in 0..30 {
            let _answers = shop.send(products(number));
        }
        assert_eq!(carried(&upstreams[0]).len(), 3, "{case}");
        assert_eq!(carried(&upstreams[1]).len(), 27, "{case}");
        assert!(metrics(&shop, "upstream_ejections_total{upstream=\"orders\"} 1"), "{case}");
    }
}

#[test]
fn answers_that_end_well_and_clients_that_leave_count_against_nobody() {
    let rules = "retries: {attempts_max: 0}, outlier: {consecutive_failures: 2, eject_for: 1m}";
    let (upstreams, shop) = open(2, rules);
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[".to_owned();
    let good = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n".to_owned();
    for upstream in &upstreams {
        let turns = [good.clone(), half.clone(), good.clone()].map(Behaviour::BytesThenClose);
        let turns: Vec<_> = turns.into_iter().cycle().take(60).collect();
        upstream.behave(Behaviour::Turns(turns));
    }
    for number in 0..40 {
        let _answers = shop.send(products(number));
    }
    assert!(metrics(&shop, "upstream_ejections_total{upstream=\"orders\"} 0"), "one after another");
    for upstream in &upstreams {
        upstream.behave(Behaviour::Trickle(Duration::from_millis(30)));
    }
    for number in 0..12 {
        let mut client = connect(shop.gateway.address("web"));
        client.write_all(products(number).as_bytes()).unwrap();
        let mut first = [0];
        client.read_exact(&mut first).unwrap();
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(metrics(&shop, "upstream_ejections_total{upstream=\"orders\"} 0"), "clients leave");
}

#[test]
fn a_full_circuit_refuses_at_once_and_has_room_again() {
    let (upstreams, shop) = open(1, "circuit: {requests_max: 2}");
    upstreams[0].behave(Behaviour::Slow(Duration::from_millis(1500)));
    let answers = send_all(&shop, 6, 6, products);
    let refused: Vec<_> = answers.iter().filter(|(_, answer, _)| answer.status == 503).collect();
    assert_eq!(refused.len(), 4, "{answers:?}");
    for (_, answer, took) in refused {
        assert_eq!(answer.code(), "forward.upstream_overloaded");
        assert!(*took < Duration::from_millis(1000), "{took:?}");
        let record = shop.gateway.outcome(&answer.id());
        assert_eq!(record.reason.unwrap().code(), "forward.upstream_overloaded");
    }
    let bounded = "upstream_bounded_total{upstream=\"orders\",bound=\"requests\"} 4";
    assert!(metrics(&shop, bounded));
    assert_eq!((upstreams[0].most_at_once(), upstreams[0].take().len()), (2, 2));
    upstreams[0].behave(Behaviour::Answer);
    assert_eq!(shop.send(products(1))[0].status, 200, "there is room again");
}

/// Everything that an upstream can do wrong, and some that is right.
fn flapping() -> Behaviour {
    let bytes = |text: &str| Behaviour::BytesThenClose(text.to_owned());
    Behaviour::Turns(vec![
        Behaviour::Echo,
        Behaviour::Reset,
        Behaviour::Echo,
        Behaviour::Half,
        bytes("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
        Behaviour::Close,
        Behaviour::Echo,
        bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        bytes("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"),
    ])
}

#[test]
fn flapping_gives_no_wrong_answer_and_no_unsafe_method_twice() {
    let rules = "retries: {attempts_max: 5, statuses: [502, 503, 504], budget_percent: 100}, try_timeout: 1s";
    let (upstreams, shop) = open(3, rules);
    for upstream in &upstreams {
        upstream.behave(flapping());
    }
    let token = shop.issuer.token("ann");
    let answers = send_all(&shop, 6, 240, |number| match number % 2 {
        0 => post(ORDERS, &token, &order(number)),
        _ => products(number),
    });
    let mut posted: BTreeMap<String, usize> = BTreeMap::new();
    for seen in upstreams.iter().flat_map(Upstream::take) {
        if seen.head.starts_with("POST") {
            let note = String::from_utf8(seen.body).unwrap();
            *posted.entry(note).or_default() += 1;
        }
    }
    assert!(posted.len() > 100 && posted.values().all(|times| *times == 1), "{posted:?}");
    let mut good = 0;
    for (number, answer, _) in &answers {
        let whole = answer.body.starts_with("{\"target\"");
        if number % 2 == 1 && answer.status == 200 && whole {
            assert_eq!(answer.body, format!("{{\"target\":\"/v1/products?search=n{number}\"}}"));
            good += 1;
        }
        let cut = answer.status == 200 && answer.body == "half";
        let refused = answer.status >= 500;
        assert!(whole || cut || refused, "{number}: {answer:?}");
        // whoever was answered was carried
        assert!(!whole || number % 2 == 1 || posted.contains_key(&order(*number)));
    }
    // of nine turns two break off after the answer began, and nothing is asked again after that
    assert!(good > 50, "only {good} of 120 were answered");
}

#[test]
fn retries_stay_within_their_budget() {
    let (upstreams, shop) = open(2, "retries: {attempts_max: 5, budget_percent: 10}");
    for upstream in &upstreams {
        upstream.behave(Behaviour::Reset);
    }
    let answers = send_all(&shop, 4, 200, products);
    assert!(answers.iter().all(|(_, answer, _)| answer.code() == "forward.upstream_unreachable"));
    let seen: usize = upstreams.iter().map(|one| one.take().len()).sum();
    // ten at once, and a tenth of two hundred
    assert!((210..=230).contains(&seen), "{seen}");
    let retries = format!("upstream_retries_total{{upstream=\"orders\"}} {}", seen - 200);
    assert!(metrics(&shop, &retries));
}

#[test]
fn each_try_and_all_of_it_have_their_time() {
    let (upstreams, shop) = open(2, "try_timeout: 700ms, overall_timeout: 2s");
    upstreams[0].behave(Behaviour::Silent);
    upstreams[1].behave(Behaviour::Echo);
    for (_, answer, took) in send_all(&shop, 4, 12, products) {
        assert_eq!(answer.status, 200);
        assert!(took < Duration::from_millis(1900), "{took:?}");
    }
    let _seen: Vec<_> = upstreams.iter().map(Upstream::take).collect();
    upstreams[1].behave(Behaviour::Silent);
    let begun = Instant::now();
    let answer = shop.send(post(ORDERS, &shop.issuer.token("ann"), &order(1))).remove(0);
    assert_eq!((answer.status, answer.code().as_str()), (504, "forward.upstream_timeout"));
    assert!(begun.elapsed() < Duration::from_millis(1900), "{:?}", begun.elapsed());
    let seen: usize = upstreams.iter().map(|one| one.take().len()).sum();
    assert_eq!(seen, 1, "an unsafe method is not tried again");
    for upstream in &upstreams {
        upstream.behave(Behaviour::Trickle(Duration::from_millis(100)));
    }
    let begun = Instant::now();
    let answer = shop.send(products(1)).remove(0);
    assert!(answer.status == 200 && answer.body.starts_with("xxx"), "{answer:?}");
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(4), "{took:?}");
    let record = shop.gateway.outcome(&answer.id());
    assert_eq!(record.reason.unwrap().code(), "reply.interrupted");
}

#[test]
fn a_reload_keeps_what_is_known_of_an_upstream_that_stays_the_same() {
    let outlier = "retries: {attempts_max: 0}, outlier: {consecutive_failures: 1, eject_for: 5m}";
    let (upstreams, mut shop) = open(2, outlier);
    upstreams[0].behave(Behaviour::Close);
    let failed = send_all(&shop, 1, 20, products);
    assert_eq!(failed.iter().filter(|(_, answer, _)| answer.status == 502).count(), 1);
    assert_eq!(upstreams[0].take().len(), 1);
    shop.rewrite("portcullis.yaml", "clock_skew: 30s", "clock_skew: 31s");
    assert!(shop.gateway.reload().0);
    for (_, answer, _) in send_all(&shop, 1, 20, products) {
        assert_eq!(answer.status, 200);
    }
    assert!(upstreams[0].take().is_empty(), "it is still ejected");
    let other = Upstream::start();
    let (old, new) = (upstreams[0].address.to_string(), other.address.to_string());
    shop.rewrite("portcullis.yaml", &old, &new);
    assert!(shop.gateway.reload().0);
    for (_, answer, _) in send_all(&shop, 1, 20, products) {
        assert_eq!(answer.status, 200);
    }
    assert!(upstreams[0].take().is_empty() && !other.take().is_empty());
}

#[test]
fn e14_a_name_that_leads_outside_its_class_is_not_connected_to() {
    let upstream = Upstream::start();
    let port = upstream.address.port();
    for (rule, status) in [
        ("address_class: public", 502),
        ("allow_networks: [10.0.0.0/8]", 502),
        ("address_class: private", 200),
        ("allow_networks: [127.0.0.0/8, \"::1\"]", 200),
    ] {
        let declared = format!("orders: {{address: \"localhost:{port}\", {rule}, ");
        let shop = Shop::open(GATEWAY, &[(DECLARED, &declared)]);
        let answer = shop.send(products(1)).remove(0);
        assert_eq!(answer.status, status, "{rule}: {answer:?}");
        if status == 502 {
            assert_eq!(answer.code(), "forward.upstream_address_refused", "{rule}");
            let record = shop.gateway.outcome(&answer.id());
            assert_eq!(record.reason.unwrap().code(), "forward.upstream_address_refused");
            assert_eq!(upstream.connections(), 0, "{rule}");
        }
    }
}
