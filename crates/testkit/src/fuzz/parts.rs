//! What do the readers of forms, cookies and answers promise? Pairs that say the same when they are
//! written anew, and a frame around answers that does not depend on how bytes are cut.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use portcullis_reading::http1::answer::AnswerGuard;
use portcullis_reading::{cookie, form, proxied};

/// `application/x-www-form-urlencoded`.
pub fn form_fields(bytes: &[u8]) {
    let Ok(pairs) = form::pairs(bytes) else { return };
    let escaped = |text: &str| -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
    };
    let written: Vec<String> =
        pairs.iter().map(|(name, text)| format!("{}={}", escaped(name), escaped(text))).collect();
    let written = written.join("&");
    assert_eq!(form::pairs(written.as_bytes()).unwrap(), pairs, "encoded anew, it says the same");
    let held: usize = pairs.iter().map(|(name, text)| name.len() + text.len()).sum();
    assert!(held <= bytes.len(), "decoding never grows");
}

/// The `Cookie` header.
pub fn cookies(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, value);
    let Some(pairs) = cookie::pairs(&headers) else { return };
    for (name, text) in &pairs {
        assert!(!name.is_empty() && !name.contains(['=', ';']) && !text.contains(';'));
    }
    let written: Vec<String> = pairs.iter().map(|(name, text)| format!("{name}={text}")).collect();
    let mut again = HeaderMap::new();
    again.insert(COOKIE, HeaderValue::from_str(&written.join("; ")).unwrap());
    assert_eq!(cookie::pairs(&again).unwrap(), pairs, "written anew, it says the same");
}

/// The PROXY header: where it ends does not depend on what follows, and no part of it is one.
pub fn proxied(bytes: &[u8]) {
    let Ok(Some(whole)) = proxied::read(bytes) else { return };
    assert!(whole.length <= bytes.len() && whole.length <= proxied::HEADER_BYTES_MAX);
    assert_eq!(proxied::read(&bytes[..whole.length]), Ok(Some(whole)), "what follows matters");
    for cut in 0..whole.length {
        assert_eq!(proxied::read(&bytes[..cut]), Ok(None), "a part of {cut} bytes");
    }
    if let Some(source) = whole.source {
        assert_eq!(source, source.to_canonical());
        assert!(!source.is_unspecified() && !source.is_multicast());
    }
}

/// The guard of answers: how many bytes belong to the one that was asked for, or that it is refused.
pub fn answer(bytes: &[u8]) {
    for head_only in [false, true] {
        let whole = framed(bytes, bytes.len().max(1), head_only);
        assert!(whole.is_none_or(|passed| passed <= bytes.len()));
        for piece in [1, 2, 7] {
            assert_eq!(framed(bytes, piece, head_only), whole, "cut into pieces of {piece}");
        }
    }
}

/// Bytes that belong to the answer; `None` where it is refused.
fn framed(bytes: &[u8], piece: usize, head_only: bool) -> Option<usize> {
    let mut guard = AnswerGuard::default();
    guard.ask(head_only);
    let mut passed = 0;
    for part in bytes.chunks(piece) {
        if guard.is_idle() {
            break;
        }
        match guard.advance(part) {
            Ok(count) => passed += count,
            Err(_) => {
                assert!(guard.advance(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "it went on");
                return None;
            }
        }
    }
    Some(passed)
}
