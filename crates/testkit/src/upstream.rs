//! An upstream that keeps every request it saw, byte for byte, and misbehaves by switch.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers 200 with a small JSON body.
    Answer,
    /// Answers exactly these bytes, and keeps the connection.
    Bytes(String),
    /// Answers exactly these bytes, and closes.
    BytesThenClose(String),
    /// Answers after a pause.
    Slow(Duration),
    /// Never answers.
    Silent,
    /// Closes without an answer.
    Close,
}

/// A request as the upstream saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Head, as text.
    pub head: String,
    /// Body.
    pub body: Vec<u8>,
}

impl Seen {
    /// All values of a header.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<String> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }
}

/// A server of the test.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    behaviour: Arc<Mutex<Behaviour>>,
    connections: Arc<Mutex<usize>>,
}

impl Upstream {
    /// Listens on a free port of this machine until the test ends.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            behaviour: Arc::new(Mutex::new(Behaviour::Answer)),
            connections: Arc::default(),
        };
        let server = upstream.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *server.connections.lock().unwrap() += 1;
                let server = server.clone();
                std::thread::spawn(move || server.serve(stream));
            }
        });
        upstream
    }

    /// Changes what it does from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// What it saw since it was last asked.
    #[must_use]
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut raw = Vec::new();
        while let Some(seen) = request(&mut stream, &mut raw) {
            self.seen.lock().unwrap().push(seen);
            let behaviour = self.behaviour.lock().unwrap().clone();
            let (bytes, close) = match behaviour {
                Behaviour::Answer => (answer(), false),
                Behaviour::Bytes(bytes) => (bytes, false),
                Behaviour::BytesThenClose(bytes) => (bytes, true),
                Behaviour::Slow(pause) => {
                    std::thread::sleep(pause);
                    (answer(), false)
                }
                Behaviour::Silent => {
                    std::thread::sleep(Duration::from_secs(30));
                    return;
                }
                Behaviour::Close => return,
            };
            if stream.write_all(bytes.as_bytes()).is_err() {
                return;
            }
            if close {
                let _closed: std::io::Result<()> = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

fn answer() -> String {
    let body = r#"{"from":"upstream"}"#;
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn request(stream: &mut TcpStream, raw: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, raw)?;
    };
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    raw.drain(..end);
    let seen = Seen { head, body: Vec::new() };
    let length = seen.values("content-length").first().map_or(0, |text| text.parse().unwrap());
    while raw.len() < length {
        more(stream, raw)?;
    }
    let body = raw.drain(..length).collect();
    Some(Seen { body, ..seen })
}

fn more(stream: &mut TcpStream, raw: &mut Vec<u8>) -> Option<()> {
    let mut part = [0; 8192];
    let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
    raw.extend_from_slice(&part[..count]);
    Some(())
}
