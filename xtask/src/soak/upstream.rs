//! What stands behind the gateway? Servers that answer each request with its own number, notes of what
//! they saw, and misbehave by switch. What must not be there is told at once: a request that should
//! have been refused, or a `POST` for the second time.

use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::asked::{REFUSED_FROM, created, item, large, order};
use super::conversation;
use super::tally::Tally;
use super::weather::Weather;

/// How often a closed port is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a server does with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Answers.
    #[default]
    None,
    /// Does not listen.
    Down,
    /// Answers late, some later than anybody waits.
    Slow,
    /// Resets the connection.
    Reset,
    /// Breaks off in the head or the body.
    Half,
    /// Answers with a framing that has more than one reading.
    Framing,
}

/// What an upstream saw of a request.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    /// The id of the decision that let it through.
    pub(super) decision: String,
    /// When.
    pub(super) at: Instant,
}

/// What all servers share.
#[derive(Debug, Default)]
pub(super) struct Notes {
    seen: Mutex<Vec<Sighting>>,
    posts: Mutex<HashSet<u32>>,
    tally: Arc<Tally>,
    weather: Arc<Weather>,
}

impl Notes {
    /// Notes of a run.
    pub(super) fn new(tally: Arc<Tally>, weather: Arc<Weather>) -> Self {
        Self { tally, weather, ..Self::default() }
    }

    /// What was seen since it was last asked.
    pub(super) fn take(&self) -> Vec<Sighting> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn saw(&self, asked: &Asked) {
        let decision = asked.value("x-portcullis-decision").unwrap_or_default();
        let sighting = Sighting { decision, at: Instant::now() };
        let under = self.weather.under(sighting.at, sighting.at);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(sighting);
        let number = asked.number();
        if number.is_some_and(|number| number >= REFUSED_FROM) {
            let what = format!("an upstream saw what must be refused: {}", asked.line());
            self.tally.wrong(under, what);
        }
        if let (true, Some(number)) = (asked.line().starts_with("POST"), number) {
            let mut posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
            if !posts.insert(number) {
                self.tally.wrong(under, format!("a POST came twice: {number}"));
            }
        }
    }
}

/// One server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// Where it listens, unless it is down.
    pub(super) address: SocketAddr,
    trouble: Arc<Mutex<Trouble>>,
    notes: Arc<Notes>,
}

impl Server {
    /// Listens until the process ends.
    pub(super) fn start(notes: &Arc<Notes>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server = Self { address, trouble: Arc::default(), notes: Arc::clone(notes) };
        let listening = server.clone();
        std::thread::spawn(move || listening.listen(listener));
        Ok(server)
    }

    /// Does this from now on.
    pub(super) fn suffer(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn trouble(&self) -> Trouble {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, first: TcpListener) {
        let mut listening = Some(first);
        loop {
            if self.trouble() == Trouble::Down {
                listening = None;
                std::thread::sleep(LOOK_EVERY);
                continue;
            }
            let Some(listener) = &listening else {
                listening = TcpListener::bind(self.address).ok();
                std::thread::sleep(LOOK_EVERY);
                continue;
            };
            if listener.set_nonblocking(true).is_err() {
                return;
            }
            match listener.accept() {
                Ok((stream, _)) => {
                    let server = self.clone();
                    std::thread::spawn(move || server.serve(stream));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(_) => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nonblocking(false).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut raw = Vec::new();
        loop {
            let asked = Asked::read(&mut stream, &mut raw)?;
            if asked.line().contains(" /healthz") {
                stream.write_all(framed("{}").as_bytes()).ok()?;
                continue;
            }
            self.notes.saw(&asked);
            if let Some(key) = asked.value("sec-websocket-key") {
                return conversation::echo(stream, &key);
            }
            if asked.line().contains("/v1/feed") {
                return conversation::feed(&mut stream);
            }
            self.answer(&mut stream, &asked)?;
        }
    }

    fn answer(&self, stream: &mut TcpStream, asked: &Asked) -> Option<()> {
        let body = asked.answer();
        let right = framed(&body);
        let choice = asked.number().unwrap_or_default();
        match self.trouble() {
            Trouble::None => {}
            Trouble::Slow => {
                let late =
                    if choice.is_multiple_of(5) { 3_000 } else { 20 * u64::from(choice % 20) };
                std::thread::sleep(Duration::from_millis(late));
            }
            Trouble::Down | Trouble::Reset => {
                socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).ok()?;
                return None;
            }
            Trouble::Half => {
                let half = right.len() / if choice.is_multiple_of(2) { 2 } else { 8 };
                stream.write_all(right.as_bytes().get(..half)?).ok()?;
                stream.shutdown(Shutdown::Both).ok()?;
                return None;
            }
            Trouble::Framing => {
                stream.write_all(misframed(choice, &body).as_bytes()).ok()?;
                std::thread::sleep(LOOK_EVERY);
                stream.shutdown(Shutdown::Both).ok()?;
                return None;
            }
        }
        stream.write_all(right.as_bytes()).ok()
    }
}

/// A good answer.
fn framed(body: &str) -> String {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}

/// An answer of which two readers make two things, or none; `foreign` must never reach a client.
fn misframed(choice: u32, body: &str) -> String {
    let length = body.len();
    let foreign = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nforeign";
    let head = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n");
    match choice % 8 {
        0 => head(&format!("content-length: {length}\r\ncontent-length: {}", length + 7)) + body,
        1 => head(&format!("content-length: {length}\r\ntransfer-encoding: chunked")) + body,
        2 => head("transfer-encoding: chunked") + "zz\r\nforeign\r\n0\r\n\r\n",
        3 => head(&format!("content-length: {}", length + 100)) + body,
        4 => framed(body) + foreign,
        5 => format!("HTTP/1.1 2000 OK\r\n\r\n{foreign}"),
        6 => head(&format!("content-length: +{length}")) + body,
        _ => head("transfer-encoding: xchunked") + foreign,
    }
}

/// A request as it came.
#[derive(Debug)]
struct Asked {
    head: String,
    body: Vec<u8>,
}

impl Asked {
    fn read(stream: &mut impl Read, raw: &mut Vec<u8>) -> Option<Self> {
        let end = loop {
            if let Some(at) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            more(stream, raw)?;
        };
        let head: Vec<u8> = raw.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).into_owned();
        let asked = Self { head, body: Vec::new() };
        let length = asked.value("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        while raw.len() < length {
            more(stream, raw)?;
        }
        Some(Self { body: raw.drain(..length).collect(), ..asked })
    }

    fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    fn value(&self, name: &str) -> Option<String> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(found.1.trim().to_owned())
    }

    /// The number that it is marked with.
    fn number(&self) -> Option<u32> {
        let text = String::from_utf8_lossy(&self.body);
        let after = |text: &str, mark: &str| {
            let digits = text.split_once(mark)?.1;
            let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        after(self.line(), "/o-")
            .or_else(|| after(self.line(), "search=n"))
            .or_else(|| after(self.line(), "limit="))
            .or_else(|| after(&text, "\"n-"))
    }

    fn answer(&self) -> String {
        let line = self.line();
        let number = self.number().unwrap_or_default();
        if line.starts_with("POST") {
            return created(number);
        }
        if line.contains("search=n") {
            return large(number);
        }
        match line.split_once("/items/") {
            Some((_, rest)) => item(rest.split(' ').next().unwrap_or_default()),
            None => order(number),
        }
    }
}

fn more(stream: &mut impl Read, raw: &mut Vec<u8>) -> Option<()> {
    let mut part = [0; 8192];
    let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
    raw.extend_from_slice(part.get(..count)?);
    Some(())
}
