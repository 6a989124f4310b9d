//! What did the guard frame? Its heads and bodies, read in the plainest way there is: what it passes
//! is so strict that splitting at line ends is all it takes.

use bytes::Bytes;
use portcullis_reading::http1::{Event, Guard};

use crate::BOUNDS;

/// A request, as one of the two sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    /// In an order of their own.
    pub(crate) headers: Vec<(String, Bytes)>,
    /// `None`: it broke off.
    pub(crate) body: Option<Bytes>,
}

/// What the guard framed.
#[derive(Debug, Default)]
pub(crate) struct Framed {
    pub(crate) requests: Vec<Seen>,
    /// A head was refused after them.
    pub(crate) refused: bool,
}

/// Asks the guard alone.
pub(crate) fn framed(stream: &[u8]) -> Framed {
    let mut guard = Guard::new(BOUNDS);
    let (mut found, mut at) = (Framed::default(), 0);
    let (mut open, mut raw): (Option<Seen>, Vec<u8>) = (None, Vec::new());
    loop {
        let in_head = guard.in_head();
        let Ok(progress) = guard.advance(&stream[at..]) else {
            found.refused = in_head;
            break;
        };
        let passed = &stream[at..at + progress.pass];
        at += progress.pass;
        match (in_head, progress.event) {
            (true, None) => break,
            (true, Some(_)) => open = Some(head(passed)),
            (false, _) => raw.extend_from_slice(passed),
        }
        if progress.event == Some(Event::MessageComplete) {
            let request = open.take().unwrap();
            let body = Some(body(&request, &std::mem::take(&mut raw)).into());
            found.requests.push(Seen { body, ..request });
        } else if !in_head && (progress.pass == 0 || at == stream.len()) {
            break;
        }
    }
    found.requests.extend(open);
    found
}

fn head(head: &[u8]) -> Seen {
    let text = std::str::from_utf8(head).unwrap().strip_suffix("\r\n\r\n").unwrap();
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
    let mut headers: Vec<_> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| {
            let value = value.trim_matches([' ', '\t']);
            (name.to_ascii_lowercase(), Bytes::copy_from_slice(value.as_bytes()))
        })
        .collect();
    headers.sort();
    Seen {
        method: first.next().unwrap(),
        target: first.next().unwrap(),
        version: first.next().unwrap(),
        headers,
        body: None,
    }
}

fn body(request: &Seen, mut raw: &[u8]) -> Vec<u8> {
    if !request.headers.iter().any(|(name, _)| name == "transfer-encoding") {
        return raw.to_vec();
    }
    let mut body = Vec::new();
    loop {
        let line = raw.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..line]).unwrap(), 16).unwrap();
        let data = &raw[line + 2..];
        if size == 0 {
            assert_eq!(data, b"\r\n");
            return body;
        }
        body.extend_from_slice(&data[..size]);
        assert_eq!(&data[size..size + 2], b"\r\n");
        raw = &data[size + 2..];
    }
}
