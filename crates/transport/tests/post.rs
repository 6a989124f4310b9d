//! Is a collector reached only as it is declared? A real TLS server with a certificate of its own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use portcullis_transport::fetch::FetchRules;
use portcullis_transport::post::Courier;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Answers every request of every connection, and counts the connections.
async fn server(folder: &Path) -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("roots.pem"), made.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let connections = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let acceptor = acceptor.clone();
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let mut part = [0; 4096];
                while let Ok(1..) = stream.read(&mut part).await {
                    let answer = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\
                                   Content-Length: 2\r\n\r\nok";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    (port, connections)
}

fn rules(networks: &[&str]) -> FetchRules {
    FetchRules {
        allow_addresses: networks.iter().map(|net| net.parse().unwrap()).collect(),
        deadline: Duration::from_secs(2),
        bytes_max: 1024,
    }
}

async fn post(courier: &mut Courier) -> Result<u16, String> {
    let answer = courier.post("/v1/traces", "text/plain", Bytes::from_static(b"x")).await;
    answer.map(|answer| answer.status.as_u16()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn only_the_declared_roots_and_networks_are_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (port, connections) = server(folder.path()).await;
    let endpoint = format!("https://localhost:{port}/otlp");
    let roots = folder.path().join("roots.pem");
    let loopback = ["127.0.0.0/8", "::1/128"];
    let courier = |networks: &[&str], roots: Option<&Path>| {
        Courier::new(&endpoint, HeaderMap::new(), rules(networks), roots).unwrap()
    };
    let mut trusting = courier(&loopback, Some(&roots));
    for _ in 0..3 {
        assert_eq!(post(&mut trusting).await, Ok(429));
    }
    let count = || connections.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(count(), 1, "one connection is kept");
    let answer = trusting.post("/v1/logs", "text/plain", Bytes::new()).await.unwrap();
    assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
    let refused = post(&mut courier(&loopback, None)).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    let inner = post(&mut courier(&[], Some(&roots))).await.unwrap_err();
    assert!(inner.contains("may not be connected to"), "{inner}");
    assert_eq!(count(), 1);
    let plain = format!("http://localhost:{port}");
    let mut plain = Courier::new(&plain, HeaderMap::new(), rules(&loopback), None).unwrap();
    assert!(post(&mut plain).await.unwrap_err().contains("without TLS"));
    assert!(Courier::new(&endpoint, HeaderMap::new(), rules(&[]), Some(Path::new("/"))).is_err());
}

#[tokio::test]
async fn a_server_that_is_silent_or_endless_costs_its_deadline_and_no_more() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        for number in 0.. {
            let (mut stream, _) = socket.accept().await.unwrap();
            if number > 0 {
                let _asked = stream.read(&mut [0; 4096]).await;
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                stream.write_all(head).await.unwrap();
                while stream.write_all(b"400\r\n").await.is_ok() {
                    if stream.write_all(&[b'x'; 1024]).await.is_err() {
                        break;
                    }
                    let _ended = stream.write_all(b"\r\n").await;
                }
            }
            kept.push(stream);
        }
    });
    let mut headers = HeaderMap::new();
    headers.insert("x-key", HeaderValue::from_static("k"));
    let mut courier = Courier::new(&endpoint, headers, rules(&[]), None).unwrap();
    assert!(post(&mut courier).await.unwrap_err().contains("took longer"));
    assert!(post(&mut courier).await.unwrap_err().contains("larger than"));
}
