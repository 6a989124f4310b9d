//! Does a pool carry what it is given, and nothing else? Names whose answers change, connections that
//! become another protocol, bodies that pass through, trailers, and material of TLS.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod set;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONNECTION, HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use portcullis_testkit::{Authority, Behaviour, Http2Upstream, Upstream as Server, secure};
use portcullis_transport::address::AddressClass;
use portcullis_transport::upstream::keeper::{Keeper, Tended};
use portcullis_transport::upstream::observer::{Event, Nobody};
use portcullis_transport::upstream::tls::{Material, Protocol, Tls};
use portcullis_transport::upstream::tunnel::tunnel;
use portcullis_transport::upstream::{Ask, Failure, Outbound, Pool, Upstream};
use set::{Counts, Names, get, target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ASK: Ask = Ask { key: None, upgrade: false, idle: None };

/// A pool to these addresses, with somebody who looks names up.
fn pool(target: portcullis_transport::upstream::Target) -> (Arc<Pool>, (Tended, Keeper)) {
    let keeper = Keeper::start().unwrap();
    let upstream = Upstream::new(target, Arc::new(Names::default()), Arc::new(Nobody));
    let tended = keeper.tend(&upstream);
    (Pool::new(upstream), (tended, keeper))
}

#[tokio::test]
async fn e14_a_name_that_changes_its_answer_is_followed_only_within_its_class() {
    let (here, there) = (Server::start(), Server::start());
    let mut target = target(&[("orders.internal", here.address.port())]);
    target.class = AddressClass::Networks(vec!["127.0.0.1/32".parse().unwrap()]);
    target.resolve.refresh = Duration::from_millis(100);
    target.resolve.keep_for = Duration::from_secs(2);
    let (names, counts) = (Arc::new(Names::default()), Arc::new(Counts::default()));
    names.answer(&["127.0.0.1"]);
    let resolver: Arc<Names> = Arc::clone(&names);
    let observer: Arc<Counts> = Arc::clone(&counts);
    let upstream = Upstream::new(target, resolver, observer);
    let keeper = Keeper::start().unwrap();
    let _tended = keeper.tend(&upstream);
    let pool = Pool::new(Arc::clone(&upstream));
    assert_eq!(pool.send(get("/"), ASK).await.unwrap().status(), StatusCode::OK);
    // a rebound name: the metadata service, this machine by another address
    names.answer(&["169.254.169.254", "127.0.0.2"]);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(counts.saw(Event::AddressRefused) > 0);
    let addresses: Vec<_> = upstream.endpoints().iter().map(|one| one.address).collect();
    assert_eq!(addresses, [here.address], "the last good answer counts for a while");
    assert_eq!(pool.send(get("/"), ASK).await.unwrap().status(), StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(2200)).await;
    let refused = pool.send(get("/"), ASK).await.unwrap_err();
    assert!(matches!(refused, Failure::AddressRefused(_)), "{refused:?}");
    names.answer(&["127.0.0.1"]);
    let begun = Instant::now();
    while pool.send(get("/"), ASK).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "a good answer counts again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(there.connections(), 0);
}

#[tokio::test]
async fn what_a_keeper_does_ends_with_the_upstream_and_with_the_keeper() {
    let server = Server::start();
    let keeper = Keeper::start().unwrap();
    let mut target = target(&[("127.0.0.1", server.address.port())]);
    target.health = Some(set::health());
    let upstream = Upstream::new(target.clone(), Arc::new(Names::default()), Arc::new(Nobody));
    let tended = keeper.tend(&upstream);
    tokio::time::sleep(Duration::from_millis(500)).await;
    // whoever still sends to it does not have it tended
    drop(tended);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!server.take().is_empty(), "it was asked for its health");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(server.take().is_empty(), "nobody asks for what is gone");
    drop(upstream);
    let upstream = Upstream::new(target, Arc::new(Names::default()), Arc::new(Nobody));
    let _tended = keeper.tend(&upstream);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    drop(keeper);
    assert!(begun.elapsed() < Duration::from_secs(1), "a stop waits for nobody");
    let _seen = server.take();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(server.take().is_empty());
}

/// Answers one request with 101 and sends back what it is sent then.
fn switching() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello";
            stream.write_all(answer.as_bytes()).unwrap();
            let mut part = [0; 64];
            while let Ok(count) = stream.read(&mut part)
                && count > 0
            {
                stream.write_all(&part[..count]).unwrap();
            }
        }
    });
    port
}

#[tokio::test]
async fn a_connection_becomes_another_only_when_asked() {
    let port = switching();
    let mut target = target(&[("127.0.0.1", port)]);
    target.connections_max = 1;
    let (pool, _keeper) = pool(target);
    let unasked = pool.send(get("/"), ASK).await.unwrap_err();
    assert!(matches!(unasked, Failure::Invalid(_)), "{unasked:?}");
    let mut request = get("/");
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    request.headers_mut().insert(UPGRADE, HeaderValue::from_static("echo"));
    let asked = pool.send(request, Ask { upgrade: true, ..ASK }).await.unwrap();
    assert_eq!(asked.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut tunnel = tunnel(asked).await.unwrap();
    let mut hello = [0; 5];
    tunnel.read_exact(&mut hello).await.unwrap();
    tunnel.write_all(b"\0any bytes\r\n\r\n").await.unwrap();
    let mut back = [0; 14];
    tunnel.read_exact(&mut back).await.unwrap();
    assert_eq!((&hello, &back), (b"hello", b"\0any bytes\r\n\r\n"));
    let full = pool.send(get("/"), ASK).await.unwrap_err();
    assert!(matches!(full, Failure::Unreachable(_)), "a tunnel keeps its place: {full:?}");
    drop(tunnel);
    let again = pool.send(get("/"), ASK).await.unwrap_err();
    assert!(matches!(again, Failure::Invalid(_)), "and gives it back: {again:?}");
}

fn streamed(method: &str) -> Request<Outbound> {
    let body = Full::new(Bytes::from_static(b"abc")).map_err(|never| match never {});
    let body = Outbound::Streamed(body.boxed());
    Request::builder().method(method).uri("/").header(HOST, "a").body(body).unwrap()
}

#[tokio::test]
async fn a_body_that_passes_through_is_sent_once() {
    let server = Http2Upstream::start();
    let mut many = target(&[("127.0.0.1", server.address.port())]);
    many.protocol = Protocol::Http2;
    let (over_http2, _keeper) = pool(many);
    assert_eq!(over_http2.send(streamed("PUT"), ASK).await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.take()[0].body().as_ref(), b"abc");
    let server = Server::start();
    server.behave(Behaviour::Reset);
    let mut one = target(&[("127.0.0.1", server.address.port())]);
    one.retries.attempts_max = 3;
    let (over_http1, _keeper) = pool(one);
    assert!(over_http1.send(streamed("PUT"), ASK).await.is_err());
    assert_eq!(server.take().len(), 1, "it may be repeated and cannot be had again");
    assert!(over_http1.send(get("/"), ASK).await.is_err());
    assert_eq!(server.take().len(), 4, "this one can");
}

#[tokio::test]
async fn trailers_pass_by_name() {
    let server = Http2Upstream::start();
    for declared in [&[][..], &["x-secret"]] {
        let mut many = target(&[("127.0.0.1", server.address.port())]);
        many.protocol = Protocol::Http2;
        many.trailers = declared.iter().map(|name| name.parse().unwrap()).collect();
        let (pool, _keeper) = pool(many);
        let body = pool.send(get("/"), ASK).await.unwrap().into_body();
        let trailers: HeaderMap = body.collect().await.unwrap().trailers().unwrap().clone();
        assert_eq!(trailers["grpc-status"], "0");
        assert_eq!(trailers.contains_key("x-secret"), !declared.is_empty());
    }
}

#[test]
fn targets_are_the_same_only_with_the_same_material() {
    let (ours, theirs) = (Authority::root("ours").pem(), Authority::root("theirs").pem());
    let tls = |roots: &str, name: &str| {
        let roots = Some(roots.as_bytes().to_vec());
        let server_name = Some(name.to_owned());
        let material = Material { roots, server_name, ..Material::default() };
        let mut target = target(&[("127.0.0.1", 1)]);
        target.tls = Some(Tls::new(&material).unwrap());
        target
    };
    assert_eq!(tls(&ours, "a"), tls(&ours, "a"));
    assert_ne!(tls(&ours, "a"), tls(&theirs, "a"), "a renewed root is another");
    assert_ne!(tls(&ours, "a"), tls(&ours, "b"));
    assert_ne!(tls(&ours, "a"), target(&[("127.0.0.1", 1)]));
    for broken in [&b""[..], b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"] {
        let material = Material { roots: Some(broken.to_vec()), ..Material::default() };
        assert!(Tls::new(&material).is_err());
    }
    let certificate = Some(ours.into_bytes());
    assert!(Tls::new(&Material { certificate, ..Material::default() }).is_err(), "without key");
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_nobody_elses() {
    // it takes connections into its backlog and never says a word of TLS
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = Authority::root("ours");
    let config = secure::server(&authority.certify("orders.internal"), None, &["http/1.1"]);
    let server = Server::start_tls(config);
    let ports = [hanging.local_addr().unwrap().port(), server.address.port()];
    let mut target = target(&[("127.0.0.1", ports[0]), ("127.0.0.1", ports[1])]);
    target.protocol = Protocol::Auto;
    target.tls = Some(
        Tls::new(&Material {
            roots: Some(authority.pem().into_bytes()),
            server_name: Some("orders.internal".to_owned()),
            protocol: Protocol::Auto,
            ..Material::default()
        })
        .unwrap(),
    );
    target.timeouts.connect = Duration::from_millis(700);
    let (pool, _keeper) = pool(target);
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let pool = Arc::clone(&pool);
        sent.spawn(async move {
            let begun = Instant::now();
            let status = pool.send(get("/"), ASK).await.map(|answer| answer.status());
            (status, begun.elapsed())
        });
    }
    while let Some(done) = sent.join_next().await {
        let (status, took) = done.unwrap();
        assert_eq!(status, Ok(StatusCode::OK));
        assert!(took < Duration::from_millis(2500), "{took:?}");
    }
}
