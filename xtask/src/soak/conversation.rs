//! How do the streams of the soak go on? A server that sends back the payload of every frame of a
//! WebSocket (RFC 6455), one that numbers its events, and frames as a client makes them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use portcullis_testkit::issuer::base64_standard;

/// Appended to a key before it is hashed (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Between two events.
const EVENT_EVERY: Duration = Duration::from_millis(100);

/// First byte of a whole binary frame, and of one that closes.
pub(super) const BINARY: u8 = 0x82;
/// First byte of a frame that closes.
pub(super) const CLOSE: u8 = 0x88;

/// Accepts a WebSocket and sends back what comes.
pub(super) fn echo(mut stream: TcpStream, key: &str) -> Option<()> {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        base64_standard(digest)
    );
    stream.write_all(answer.as_bytes()).ok()?;
    loop {
        let (first, payload) = masked(&mut stream)?;
        stream.write_all(&frame(first, &payload)).ok()?;
        if first == CLOSE {
            return None;
        }
    }
}

/// A frame without mask, as a server sends it, of up to 65,535 bytes.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(short),
        Ok(_) | Err(_) => {
            frame.push(126);
            frame.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// The same with a mask, as a client sends it.
pub(super) fn with_mask(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let plain = frame(first, &[]);
    let mut bytes: Vec<u8> = frame(first, payload);
    let head = bytes.len() - payload.len();
    let rest = bytes.split_off(head);
    if let Some(length) = bytes.get_mut(plain.len() - 1) {
        *length |= 0x80;
    }
    bytes.extend(mask);
    bytes.extend(rest.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A frame with a mask: its first byte and its payload.
fn masked(stream: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let [first, length] = head;
    let mut length = u16::from(length & 0x7f);
    if length == 126 {
        let mut wide = [0; 2];
        stream.read_exact(&mut wide).ok()?;
        length = u16::from_be_bytes(wide);
    }
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).ok()?;
    let mut payload = vec![0; usize::from(length)];
    stream.read_exact(&mut payload).ok()?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Some((first, payload))
}

/// Sends events, numbered from 0, until nobody takes them.
pub(super) fn feed(stream: &mut TcpStream) -> Option<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).ok()?;
    for number in 0_u64.. {
        let event = format!("data: {number:08}\n\n");
        stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).ok()?;
        std::thread::sleep(EVENT_EVERY);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{BINARY, masked, with_mask};

    #[test]
    fn a_frame_is_read_as_it_was_made() {
        for length in [0_usize, 1, 125, 126, 300, 60_000] {
            let payload = vec![7; length];
            let bytes = with_mask(BINARY, &payload, [1, 2, 3, 4]);
            assert_eq!(masked(&mut bytes.as_slice()), Some((BINARY, payload)));
        }
    }
}
