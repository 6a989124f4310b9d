//! A client that sends exactly the bytes it is given, and reads every answer on the connection.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for any byte.
const PATIENCE: Duration = Duration::from_secs(20);

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

impl Answer {
    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The code of a refusal, or nothing.
    #[must_use]
    pub fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The id of the decision.
    #[must_use]
    pub fn id(&self) -> String {
        self.header("portcullis-decision-id").unwrap_or_default().to_owned()
    }
}

/// Sends bytes over a fresh connection, ends the sending side, and reads until the other side
/// closes. Interim answers (1xx) are left out.
#[must_use]
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<Answer> {
    let mut stream = connect(address);
    // whoever refuses early may close before it has read everything
    let _sent: std::io::Result<()> = stream.write_all(bytes);
    let _ended: std::io::Result<()> = stream.shutdown(Shutdown::Write);
    answers(&read_to_end(&mut stream))
}

/// A connection with patience.
#[must_use]
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Everything until the other side closes or is silent for too long.
#[must_use]
pub fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut part = [0; 8192];
    while let Ok(count) = stream.read(&mut part) {
        if count == 0 {
            break;
        }
        raw.extend_from_slice(&part[..count]);
    }
    raw
}

/// Reads one answer with a length; the connection stays open.
#[must_use]
pub fn read_one(stream: &mut impl Read) -> Option<Answer> {
    let mut raw = Vec::new();
    let mut byte = [0];
    loop {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        raw.push(byte[0]);
        if raw.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let (mut answer, _) = head(&raw)?;
    if (100..200).contains(&answer.status) {
        // an interim answer has no body
        return read_one(&mut (stream as &mut dyn Read));
    }
    let length: usize =
        answer.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Some(answer)
}

/// Cuts a stream of answers apart; a body without length reaches to the end.
#[must_use]
pub fn answers(raw: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut rest = raw;
    while let Some((mut answer, after)) = head(rest) {
        let (body, next) = body(&answer, after);
        answer.body = String::from_utf8_lossy(&body).into_owned();
        rest = next;
        if !(100..200).contains(&answer.status) {
            answers.push(answer);
        }
    }
    answers
}

fn head(raw: &[u8]) -> Option<(Answer, &[u8])> {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = text.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some((Answer { status, headers, body: String::new() }, &raw[end..]))
}

fn body<'a>(answer: &Answer, after: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
    if (100..200).contains(&answer.status) || answer.status == 204 || answer.status == 304 {
        return (Vec::new(), after);
    }
    if answer.header("transfer-encoding").is_some() {
        return chunked(after);
    }
    match answer.header("content-length").and_then(|text| text.parse::<usize>().ok()) {
        Some(length) => {
            let length = length.min(after.len());
            (after[..length].to_vec(), &after[length..])
        }
        None => (after.to_vec(), &[]),
    }
}

fn chunked(mut rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size =
            usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16).unwrap_or(0);
        let from = end + 2;
        let to = (from + size).min(rest.len());
        whole.extend_from_slice(&rest[from.min(rest.len())..to]);
        rest = &rest[(to + 2).min(rest.len())..];
        if size == 0 {
            break;
        }
    }
    (whole, rest)
}
