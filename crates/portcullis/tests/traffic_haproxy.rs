//! D8 against HAProxy, which wrote the PROXY protocol: both versions, with its checksum and with
//! health checks, in which it speaks for itself. curl is the client, from an address of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first surprise"
)]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_testkit::Shop;

const GATEWAY: &str = env!("CARGO_BIN_EXE_portcullis");
const CLIENT: &str = "127.0.0.9";

struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _killed: std::io::Result<()> = self.0.kill();
        let _waited: std::io::Result<_> = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// HAProxy in front of the web listener; waits until it listens.
fn haproxy(shop: &Shop, options: &str) -> (Proxy, u16) {
    let (port, gateway) = (free_port(), shop.gateway.address("web"));
    let configuration = shop.folder().join(format!("haproxy-{port}.cfg"));
    let text = format!(
        "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n\
         listen front\n  bind 127.0.0.1:{port}\n  server gateway {gateway} {options}\n"
    );
    std::fs::write(&configuration, text).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&configuration).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("haproxy is installed");
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "haproxy does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    (Proxy(child), port)
}

/// The status that curl gets, coming from the client's address.
fn asked(port: u16) -> String {
    let url = format!("http://127.0.0.1:{port}/v1/products");
    let output = Command::new("curl")
        .args([
            "--silent",
            "--interface",
            CLIENT,
            "--max-time",
            "10",
            "--write-out",
            " %{http_code}",
        ])
        .args(["--header", "Host: api.shop.example", &url])
        .output()
        .expect("curl is installed");
    String::from_utf8_lossy(&output.stdout).rsplit(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn d08_haproxy_names_the_client_in_every_form() {
    let change = "zone: public, proxy_protocol: {peers: [127.0.0.1]}}";
    let shop = Shop::open(GATEWAY, &[("zone: public}", change)]);
    for options in [
        "send-proxy",
        "send-proxy-v2",
        "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        "send-proxy check inter 100ms check-send-proxy",
        "send-proxy-v2 proxy-v2-options crc32c check inter 100ms check-send-proxy",
    ] {
        let (_proxy, port) = haproxy(&shop, options);
        // long enough for health checks to have failed, if they do
        std::thread::sleep(Duration::from_millis(600));
        let _before = shop.upstream.take();
        assert_eq!(asked(port), "200", "{options}");
        let seen = shop.upstream.take();
        let clients: Vec<_> = seen.iter().flat_map(|one| one.values("x-forwarded-for")).collect();
        assert_eq!(clients, [CLIENT], "{options}");
    }
    // without the header it is not let in
    let (_proxy, port) = haproxy(&shop, "");
    assert_eq!(asked(port), "000");
    assert!(shop.upstream.take().is_empty());
}
