//! An upstream that keeps every request it saw, byte for byte, and misbehaves by switch.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

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
    /// Answers exactly these bytes after a pause, and closes.
    SlowBytes(Duration, String),
    /// Never answers.
    Silent,
    /// Closes without an answer.
    Close,
    /// Resets the connection without an answer.
    Reset,
    /// Sends the first bytes of an answer, and resets the connection.
    Half,
    /// Answers with the target that was asked for, and so shows whose answer it is.
    Echo,
    /// Begins to answer, and sends a byte of the body now and then without end.
    Trickle(Duration),
    /// Does what is said for the path that is asked for; closes where nothing is.
    Paths(Vec<(String, Self)>),
    /// Does each of these in turn, a request each.
    Turns(Vec<Self>),
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
    turn: Arc<Mutex<usize>>,
    under_way: Arc<Mutex<(usize, usize)>>,
    tls: Option<Arc<ServerConfig>>,
}

impl Upstream {
    /// Listens on a free port of this machine until the test ends.
    #[must_use]
    pub fn start() -> Self {
        Self::listen(None)
    }

    /// The same over TLS.
    #[must_use]
    pub fn start_tls(config: Arc<ServerConfig>) -> Self {
        Self::listen(Some(config))
    }

    fn listen(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            behaviour: Arc::new(Mutex::new(Behaviour::Answer)),
            connections: Arc::default(),
            turn: Arc::default(),
            under_way: Arc::default(),
            tls,
        };
        let server = upstream.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *server.connections.lock().unwrap() += 1;
                let server = server.clone();
                std::thread::spawn(move || server.speak(stream));
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

    /// Most requests that were under way at once since it was last asked.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        std::mem::take(&mut self.under_way.lock().unwrap().1)
    }

    fn speak(&self, stream: TcpStream) {
        let socket = stream.try_clone().unwrap();
        match &self.tls {
            None => self.serve(stream, &socket),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                self.serve(StreamOwned::new(connection, stream), &socket);
            }
        }
    }

    fn next(&self, target: &str) -> Behaviour {
        let behaviour = self.behaviour.lock().unwrap().clone();
        if let Behaviour::Paths(paths) = &behaviour {
            let found = paths.iter().find(|(path, _)| path == target);
            return found.map_or(Behaviour::Close, |(_, behaviour)| behaviour.clone());
        }
        let Behaviour::Turns(turns) = behaviour else { return behaviour };
        let mut turn = self.turn.lock().unwrap();
        *turn += 1;
        turns[(*turn - 1) % turns.len()].clone()
    }

    fn serve(&self, mut stream: impl Read + Write, socket: &TcpStream) {
        let mut raw = Vec::new();
        while let Some(seen) = request(&mut stream, &mut raw) {
            let target = seen.head.split(' ').nth(1).unwrap_or_default().to_owned();
            self.seen.lock().unwrap().push(seen);
            let _under_way = UnderWay::new(&self.under_way);
            let (bytes, close) = match self.next(&target) {
                Behaviour::Answer => (answer(), false),
                Behaviour::Bytes(bytes) => (bytes, false),
                Behaviour::BytesThenClose(bytes) => (bytes, true),
                Behaviour::Slow(pause) => {
                    std::thread::sleep(pause);
                    (answer(), false)
                }
                Behaviour::SlowBytes(pause, bytes) => {
                    std::thread::sleep(pause);
                    (bytes, true)
                }
                Behaviour::Silent => {
                    std::thread::sleep(Duration::from_secs(30));
                    return;
                }
                Behaviour::Close => return,
                Behaviour::Echo => (with_body(&format!("{{\"target\":\"{target}\"}}")), false),
                Behaviour::Trickle(pause) => {
                    trickle(&mut stream, pause);
                    return;
                }
                Behaviour::Reset => {
                    SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
                    return;
                }
                Behaviour::Half => {
                    let _sent: std::io::Result<()> = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ");
                    let _flushed: std::io::Result<()> = stream.flush();
                    std::thread::sleep(Duration::from_millis(50));
                    SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
                    return;
                }
                Behaviour::Turns(_) | Behaviour::Paths(_) => panic!("they do not nest"),
            };
            if stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush()).is_err() {
                return;
            }
            if close {
                let _closed: std::io::Result<()> = socket.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// One request under way.
struct UnderWay<'a>(&'a Mutex<(usize, usize)>);

impl<'a> UnderWay<'a> {
    fn new(counts: &'a Mutex<(usize, usize)>) -> Self {
        let mut now = counts.lock().unwrap();
        now.0 += 1;
        now.1 = now.1.max(now.0);
        drop(now);
        Self(counts)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().0 -= 1;
    }
}

fn answer() -> String {
    with_body(r#"{"from":"upstream"}"#)
}

fn trickle(stream: &mut impl Write, pause: Duration) {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut sent = stream.write_all(head.as_bytes());
    while sent.is_ok() {
        std::thread::sleep(pause);
        sent = stream.write_all(b"1\r\nx\r\n").and_then(|()| stream.flush());
    }
}

fn with_body(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn request(stream: &mut impl Read, raw: &mut Vec<u8>) -> Option<Seen> {
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

fn more(stream: &mut impl Read, raw: &mut Vec<u8>) -> Option<()> {
    let mut part = [0; 8192];
    let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
    raw.extend_from_slice(&part[..count]);
    Some(())
}
