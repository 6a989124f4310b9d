//! What is asked, by whom, and who answers: varied requests over kept connections, and an upstream
//! that costs next to nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};
use portcullis_testkit::issuer::Issuer;
use serde_json::json;

/// Connections at once.
const CONNECTIONS: usize = 4;

/// Callers with a token each.
const CALLERS: usize = 64;

/// Requests, asked in turn.
pub(super) struct Load {
    requests: Vec<Vec<u8>>,
}

impl Load {
    /// Anonymous requests.
    pub(super) fn bare() -> Self {
        let one = |number| {
            format!(
                "GET /v1/products?search=tea{number} HTTP/1.1\r\nHost: api.shop.example\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
            )
        };
        Self { requests: (0..CALLERS).map(|number| one(number).into_bytes()).collect() }
    }

    /// Requests with tokens.
    pub(super) fn tokens(issuer: &Issuer) -> Self {
        let one = |number| {
            let token = issuer.token(&format!("user-{number}"));
            format!(
                "GET /v1/tenants/acme/orders?limit={} HTTP/1.1\r\nHost: api.shop.example\r\nAccept: */*\r\nUser-Agent: bench\r\nAuthorization: Bearer {token}\r\n\r\n",
                number + 1
            )
        };
        Self { requests: (0..CALLERS).map(|number| one(number).into_bytes()).collect() }
    }

    /// Requests with tokens and a body of about 1 KB.
    pub(super) fn bodies(issuer: &Issuer) -> Self {
        let one = |number: usize| {
            let token = issuer.token(&format!("user-{number}"));
            let line = |sku: usize| json!({"sku": format!("ABC-{:04}", sku + number), "amount": sku % 99 + 1});
            let body = json!({
                "customer": format!("customer-{number}@example.com"),
                "note": "n".repeat(180),
                "lines": (0..20).map(line).collect::<Vec<_>>(),
            })
            .to_string();
            format!(
                "POST /v1/tenants/acme/orders HTTP/1.1\r\nHost: api.shop.example\r\nAccept: */*\r\nUser-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\nAuthorization: Bearer {token}\r\n\r\n{body}",
                body.len()
            )
        };
        Self { requests: (0..CALLERS).map(|number| one(number).into_bytes()).collect() }
    }

    /// Asks so many times; every answer must be a 200.
    pub(super) fn run(&self, address: SocketAddr, times: usize) -> Result<()> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CONNECTIONS)
                .map(|offset| {
                    scope.spawn(move || self.connection(address, offset, times / CONNECTIONS))
                })
                .collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(done) => done,
                Err(_) => anyhow::bail!("a client ended by a panic"),
            })
        })
    }

    fn connection(&self, address: SocketAddr, offset: usize, times: usize) -> Result<()> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut stream = stream;
        for request in self.requests.iter().cycle().skip(offset).take(times) {
            stream.write_all(request)?;
            let status = answer(&mut reader)?;
            ensure!(status == 200, "answered {status}");
        }
        Ok(())
    }
}

fn answer(reader: &mut impl BufRead) -> Result<u16> {
    let (mut status, mut length, mut chunked) = (0, 0_usize, false);
    let mut line = String::new();
    loop {
        line.clear();
        ensure!(reader.read_line(&mut line)? > 0, "the connection was closed");
        let text = line.trim_end();
        if status == 0 {
            status = text.split(' ').nth(1).context("no status")?.parse()?;
        } else if text.is_empty() {
            break;
        } else if let Some((name, value)) = text.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
            chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
    }
    ensure!(!chunked, "answers have a length here");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(status)
}

/// An upstream that answers everything alike.
pub(super) struct Upstream {
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Upstream {
    /// Listens until the process ends.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || serve(stream));
            }
        });
        Ok(Self { address })
    }
}

fn serve(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let body = "{\"orders\": []}".repeat(14);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut line = String::new();
    let mut length = 0_usize;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
        if line == "\r\n" {
            let mut body = vec![0; std::mem::take(&mut length)];
            reader.read_exact(&mut body)?;
            writer.write_all(answer.as_bytes())?;
        }
    }
}
