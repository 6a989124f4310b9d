//! What do the readers of HTTP promise? Framing that does not depend on how bytes are cut, one
//! spelling that is kept, and a view that reads as itself again.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::Request;
use portcullis_model::Reason;
use portcullis_reading::host::Host;
use portcullis_reading::http1::{Bounds, Event, Guard};
use portcullis_reading::message::{Message, ReadingRules};
use portcullis_reading::owned::OwnedHeaders;
use portcullis_reading::path::{CanonicalPath, decode_segment};
use portcullis_reading::query::Query;

/// Small, so that inputs reach them.
const BOUNDS: Bounds = Bounds { head_bytes_max: 2048, headers_max: 24, target_bytes_max: 512 };

/// What a guard did with a stream.
#[derive(Debug, PartialEq, Eq)]
struct Passed {
    heads: Vec<Vec<u8>>,
    messages: usize,
    refused: Option<Reason>,
}

/// Runs a guard over a stream that arrives in pieces of this size.
fn guarded(stream: &[u8], piece: usize) -> Passed {
    let mut guard = Guard::new(BOUNDS);
    let mut found = Passed { heads: Vec::new(), messages: 0, refused: None };
    let (mut at, mut end) = (0, 0);
    loop {
        let in_head = guard.in_head();
        match guard.advance(&stream[at..end]) {
            Err(violation) => {
                assert!(guard.advance(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").is_err(), "it passed");
                found.refused = Some(violation.reason);
                return found;
            }
            Ok(progress) => {
                assert!(progress.pass <= end - at, "more passed than there was");
                if in_head && progress.event.is_some() {
                    found.heads.push(stream[at..at + progress.pass].to_vec());
                }
                found.messages += usize::from(progress.event == Some(Event::MessageComplete));
                at += progress.pass;
                if progress.pass == 0 && progress.event.is_none() {
                    if end == stream.len() {
                        return found;
                    }
                    end = (end + piece).min(stream.len());
                }
            }
        }
    }
}

/// The guard of HTTP/1 heads.
pub fn head(bytes: &[u8]) {
    let whole = guarded(bytes, bytes.len().max(1));
    assert_eq!(whole, guarded(bytes, 1), "how the bytes are cut makes a difference");
    assert_eq!(whole, guarded(bytes, 7), "how the bytes are cut makes a difference");
    for head in &whole.heads {
        assert!(head.len() <= BOUNDS.head_bytes_max, "{} bytes", head.len());
        let text = std::str::from_utf8(head).unwrap();
        let lines: Vec<&str> = text.strip_suffix("\r\n\r\n").unwrap().split("\r\n").collect();
        assert!(lines.len() <= BOUNDS.headers_max + 1, "{} lines", lines.len());
        for line in &lines {
            assert!(line.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)));
            assert!(!line.is_empty() && !line.starts_with([' ', '\t']), "{line:?}");
        }
        let framing = |name: &str| {
            lines.iter().filter(|line| line.to_ascii_lowercase().starts_with(name)).count()
        };
        let (lengths, codings) = (framing("content-length:"), framing("transfer-encoding:"));
        assert!(lengths + codings <= 1, "{text:?}");
    }
}

/// The framing of chunked bodies.
pub fn chunks(bytes: &[u8]) {
    let head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let stream = [&head[..], bytes].concat();
    let whole = guarded(&stream, stream.len());
    assert_eq!(whole, guarded(&stream, 1), "how the bytes are cut makes a difference");
    if whole.messages == 0 {
        return;
    }
    // a body that passed is chunks in the plainest form, and whatever is read is within it
    let (mut rest, mut length) = (bytes, 0);
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let digits = std::str::from_utf8(&rest[..line]).unwrap();
        assert!(!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let size = usize::from_str_radix(digits, 16).unwrap();
        assert_eq!(&rest[line + 2 + size..line + 4 + size], b"\r\n");
        rest = &rest[line + 4 + size..];
        length += size;
        if size == 0 {
            break;
        }
    }
    assert!(length <= bytes.len());
}

/// Paths.
pub fn path(bytes: &[u8]) {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    let Ok(path) = CanonicalPath::parse(raw) else { return };
    assert_eq!(path.as_str(), raw, "what is accepted is kept byte for byte");
    assert_eq!(CanonicalPath::parse(path.as_str()).unwrap(), path);
    let segments: Vec<&str> = path.segments().collect();
    assert_eq!(format!("/{}", segments.join("/")), raw);
    for (at, segment) in segments.iter().enumerate() {
        assert!(!segment.is_empty() || at + 1 == segments.len(), "{raw:?}");
        let decoded = decode_segment(segment);
        assert!(decoded != "." && decoded != "..", "{raw:?}");
        assert!(!decoded.contains(['/', '\\', ';', '?', '#', '%']), "{raw:?}");
        assert!(!decoded.chars().any(|one| one.is_ascii_control()), "{raw:?}");
    }
}

/// Hosts.
pub fn host(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(host) = Host::parse(text) else { return };
    assert!(host.as_str().len() <= 253, "{host}");
    assert!(host.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{host}");
    assert_eq!(host.as_str(), host.as_str().to_ascii_lowercase());
    assert_eq!(Host::parse(host.as_str()).unwrap(), host, "it reads as itself");
    assert_eq!(Host::parse(&text.to_ascii_uppercase()).unwrap(), host, "case is no difference");
}

/// Queries.
pub fn query(bytes: &[u8]) {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    let Ok(query) = Query::parse(Some(raw)) else { return };
    assert_eq!(query.raw.as_deref(), Some(raw), "what is accepted is kept byte for byte");
    let mut again = String::new();
    for (name, value) in &query.pairs {
        assert!(!name.chars().chain(value.chars()).any(char::is_control), "{raw:?}");
        for (text, end) in [(name, '='), (value, '&')] {
            for byte in text.bytes() {
                again.push_str(&format!("%{byte:02X}"));
            }
            again.push(end);
        }
    }
    let read = Query::parse(Some(&again)).unwrap();
    assert_eq!(read.pairs, query.pairs, "encoded anew, it says the same");
}

/// Whole heads, from the guard to the view.
pub fn message(bytes: &[u8]) {
    let passed = guarded(bytes, bytes.len().max(1));
    let Some(head) = passed.heads.first() else { return };
    let text = std::str::from_utf8(head).unwrap();
    let mut lines = text.trim_end().split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    let headers: Vec<(&str, &str)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name, value.trim_matches([' ', '\t'])))
        .collect();
    let Ok(message) = read(method, target, &headers) else { return };
    assert!(target.ends_with(&message.target()), "{target:?}");
    let owned = OwnedHeaders::standard();
    let mut kept = vec![("host", message.host.as_str())];
    for (name, value) in &message.headers {
        assert!(!owned.strips(name.as_str()), "`{name}` was left");
        for gone in ["connection", "te", "upgrade", "transfer-encoding", "keep-alive", "expect"] {
            assert_ne!(name, gone);
        }
        if name != "host" {
            kept.push((name.as_str(), value.to_str().unwrap()));
        }
    }
    let again = read(message.method.as_str(), &message.target(), &kept).unwrap();
    assert_eq!(
        (&again.path, &again.query, &again.host),
        (&message.path, &message.query, &message.host)
    );
    assert!(again.stripped.is_empty());
    let host = http::header::HOST;
    let same = message.headers.iter().filter(|(name, _)| *name != host);
    assert!(same.eq(again.headers.iter().filter(|(name, _)| *name != host)), "{text:?}");
}

fn read(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Message, Reason> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let rules = ReadingRules {
        trusted_hops: 0,
        trusted_peers: Vec::new(),
        owned_headers: Arc::new(OwnedHeaders::standard()),
        credential_headers: vec![http::HeaderName::from_static("x-api-key")],
    };
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Message::read(&parts, peer, &rules).map_err(|violation| violation.reason)
}
