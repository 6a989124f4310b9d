use super::{Bounds, Event, Guard};
use portcullis_model::Reason;
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { head_bytes_max: 2048, headers_max: 32, target_bytes_max: 512 };

/// Runs the guard over a stream cut at `cut`; messages passed, bytes passed, and how it ended.
fn run(stream: &[u8], cut: usize) -> (usize, usize, Option<Reason>) {
    let mut guard = Guard::new(BOUNDS);
    let (mut passed, mut messages) = (0, 0);
    for end in [cut.min(stream.len()), stream.len()] {
        loop {
            match guard.advance(&stream[passed..end]) {
                Err(violation) => return (messages, passed, Some(violation.reason)),
                Ok(progress) => {
                    passed += progress.pass;
                    messages += usize::from(progress.event == Some(Event::MessageComplete));
                    if progress.pass == 0 || passed == end {
                        break;
                    }
                }
            }
        }
    }
    (messages, passed, None)
}

fn refused(head: &str) -> Reason {
    let (messages, _, reason) = run(head.as_bytes(), 0);
    assert_eq!(messages, 0, "{head:?}");
    reason.unwrap_or_else(|| panic!("{head:?} must be refused"))
}

fn with(headers: &str) -> String {
    format!("POST /a HTTP/1.1\r\nHost: a\r\n{headers}\r\n")
}

#[test]
fn passes_pipelined_requests_with_their_bodies() {
    let stream = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(run(stream, 0), (3, stream.len(), None));
}

#[test]
fn a01_length_and_chunked_together() {
    let head = with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n");
    assert_eq!(refused(&head), Reason::MalformedFraming);
}

#[test]
fn a02_transfer_codings() {
    for (value, reason) in [
        ("chunked, chunked", Reason::UnknownTransferCoding),
        (",chunked", Reason::UnknownTransferCoding),
        ("gzip", Reason::UnknownTransferCoding),
        ("identity", Reason::UnknownTransferCoding),
        ("\u{a0}chunked", Reason::InvalidHeader),
    ] {
        assert_eq!(refused(&with(&format!("Transfer-Encoding: {value}\r\n"))), reason, "{value}");
    }
    let twice = with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n");
    assert_eq!(refused(&twice), Reason::MalformedFraming);
}

#[test]
fn a03_chunked_in_http_1_0() {
    let head = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(refused(head), Reason::MalformedFraming);
}

#[test]
fn a04_lengths() {
    for value in ["+1", "1_0", "0x10", "", "-1", "18446744073709551616", "1 1", "1,1"] {
        let head = with(&format!("Content-Length: {value}\r\n"));
        assert_eq!(refused(&head), Reason::MalformedFraming, "{value}");
    }
    assert_eq!(refused(&with("Content-Length: 1\r\r\n")), Reason::InvalidHeader);
    let twice = with("Content-Length: 1\r\nContent-Length: 1\r\n");
    assert_eq!(refused(&twice), Reason::MalformedFraming);
}

#[test]
fn a05_and_a06_chunk_lines() {
    for body in [
        "0x1\r\na\r\n",
        "+1\r\na\r\n",
        "1_0\r\n",
        " 1\r\na\r\n",
        "\r\n",
        "123456789\r\n",
        "fffffffffffffffe\r\n",
        "1\na\r\n",
        "1\ra",
        "1;x=\r\r\na\r\n",
        "1\r\nab\r\n",
        "1\r\na\r\n0\r\nx: y\r\n\r\n",
        "1\r\na\n",
        "0\r\n\n",
    ] {
        let (messages, _, reason) =
            run(format!("{}{body}", with("Transfer-Encoding: chunked\r\n")).as_bytes(), 0);
        assert_eq!((messages, reason), (0, Some(Reason::MalformedFraming)), "{body:?}");
    }
}

#[test]
fn a07_header_lines() {
    for line in [
        "x: a\0b\r\n",
        "x y: 1\r\n",
        "x : 1\r\n",
        "nocolon\r\n",
        ": empty\r\n",
        " fold: 1\r\n",
        "x: 1\r\n\tfolded\r\n",
        "x: \u{e9}\r\n",
        "x_y: 1\r\n",
        "x: a\rb\r\n",
        "x: a\r\r\n",
        "x: a\r\r\ny: b\r\n",
    ] {
        assert_eq!(refused(&with(line)), Reason::InvalidHeader, "{line:?}");
    }
    assert_eq!(refused("GET / HTTP/1.1\nHost: a\r\n\r\n"), Reason::MalformedFraming);
    assert_eq!(refused("\r\nGET / HTTP/1.1\r\n\r\n"), Reason::MalformedFraming);
}

#[test]
fn a10_and_a12_request_lines() {
    for (line, reason) in [
        ("CONNECT a:1 HTTP/1.1", Reason::MethodRefused),
        ("get / HTTP/1.1", Reason::MethodRefused),
        ("G=\":<> / HTTP/1.1", Reason::MalformedFraming),
        ("GET / HTTP/1.32", Reason::MalformedFraming),
        ("GET / HTTP/2.0", Reason::UnsupportedVersion),
        ("GET /", Reason::MalformedFraming),
        ("GET / HTTP/1.1\r", Reason::MalformedFraming),
        ("GET  / HTTP/1.1", Reason::MalformedFraming),
        ("GET * HTTP/1.1", Reason::AmbiguousTarget),
        ("GET /a`b HTTP/1.1", Reason::AmbiguousTarget),
        ("GET /a^b HTTP/1.1", Reason::AmbiguousTarget),
        ("GET /?a={b} HTTP/1.1", Reason::AmbiguousTarget),
        ("GET http://a HTTP/1.1", Reason::AmbiguousTarget),
        ("GET http://a?b HTTP/1.1", Reason::AmbiguousTarget),
        ("GET http:// HTTP/1.1", Reason::AmbiguousTarget),
        ("GET http://a:b:c/ HTTP/1.1", Reason::AmbiguousTarget),
        ("GET http://[::1/ HTTP/1.1", Reason::AmbiguousTarget),
        ("GET /\u{e9} HTTP/1.1", Reason::AmbiguousTarget),
    ] {
        assert_eq!(refused(&format!("{line}\r\nHost: a\r\n\r\n")), reason, "{line}");
    }
}

#[test]
fn heads_are_bounded() {
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(600));
    assert_eq!(refused(&long), Reason::TargetTooLong);
    assert_eq!(refused(&with(&format!("x: {}\r\n", "a".repeat(3000)))), Reason::HeadTooLarge);
    assert_eq!(refused(&with(&"x: 1\r\n".repeat(40))), Reason::HeadTooLarge);
}

proptest! {
    #[test]
    fn how_the_bytes_are_cut_makes_no_difference(cut in 0_usize..200, flip in 0_usize..170, byte: u8) {
        let mut stream = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".to_vec();
        let at = flip % stream.len();
        stream[at] = byte;
        let whole = run(&stream, 0);
        let in_two = run(&stream, cut);
        prop_assert_eq!(whole.0, in_two.0);
        prop_assert_eq!(whole.2, in_two.2);
    }
}
