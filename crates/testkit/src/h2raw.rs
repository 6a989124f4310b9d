//! A client of HTTP/2 that sends exactly the frames it is given. Headers are literals that use no
//! table, so that anything can be said, right or wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What every client sends first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types (RFC 9113 section 6).
pub const DATA: u8 = 0;
/// Header block.
pub const HEADERS: u8 = 1;
/// Reset of a stream.
pub const RST_STREAM: u8 = 3;
/// Settings.
pub const SETTINGS: u8 = 4;
/// Ping.
pub const PING: u8 = 6;
/// End of the connection.
pub const GOAWAY: u8 = 7;
/// More window.
pub const WINDOW_UPDATE: u8 = 8;
/// Rest of a header block.
pub const CONTINUATION: u8 = 9;

/// Flags: the last frame of the stream, the last of its header block.
pub const END_STREAM: u8 = 1;
/// The last frame of a header block.
pub const END_HEADERS: u8 = 4;

/// A frame that came.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Type.
    pub kind: u8,
    /// Flags.
    pub flags: u8,
    /// Stream.
    pub stream: u32,
    /// Payload.
    pub payload: Vec<u8>,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an answer, whose body this is.
    Answered(String),
    /// By a reset with this error code.
    Reset(u32),
    /// The connection ended first.
    Closed,
}

impl Ended {
    /// The code of a refusal, if that was the answer.
    #[must_use]
    pub fn code(&self) -> String {
        let Self::Answered(body) = self else { return format!("{self:?}") };
        let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
}

impl Client {
    /// Opens a connection and sends the preface and these settings.
    #[must_use]
    pub fn open(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let stream = crate::raw::connect(address);
        let mut client = Self { stream };
        let mut payload = Vec::new();
        for (id, value) in settings {
            payload.extend(id.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(SETTINGS, 0, 0, &payload));
        assert!(client.send(&bytes), "the connection ended at once");
        client
    }

    /// Sends bytes; whether the other side still takes them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Waits no longer than this for bytes.
    pub fn patience(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
    }

    /// The next frame; `None` at the end.
    pub fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).ok()?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Reads until a stream has ended. Settings and pings are acknowledged.
    pub fn end_of(&mut self, stream: u32) -> Ended {
        let mut body = Vec::new();
        while let Some(frame) = self.read() {
            match frame.kind {
                SETTINGS | PING if frame.flags & 1 == 0 => {
                    let payload = if frame.kind == PING { frame.payload } else { Vec::new() };
                    let _sent = self.send(&self::frame(frame.kind, 1, 0, &payload));
                }
                RST_STREAM if frame.stream == stream => {
                    return Ended::Reset(u32::from_be_bytes(frame.payload.try_into().unwrap()));
                }
                DATA | HEADERS if frame.stream == stream => {
                    if frame.kind == DATA {
                        body.extend(frame.payload);
                    }
                    if frame.flags & END_STREAM != 0 {
                        return Ended::Answered(String::from_utf8_lossy(&body).into_owned());
                    }
                }
                _ => {}
            }
        }
        Ended::Closed
    }
}

/// A frame.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A header block of literals (RFC 7541 section 6.2.2).
#[must_use]
pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 section 5.1).
fn length(block: &mut Vec<u8>, mut number: usize) {
    if number < 127 {
        block.push(u8::try_from(number).unwrap());
        return;
    }
    block.push(127);
    number -= 127;
    while number >= 128 {
        block.push(u8::try_from(number % 128).unwrap() | 128);
        number /= 128;
    }
    block.push(u8::try_from(number).unwrap());
}

/// A whole request without body.
#[must_use]
pub fn request(stream: u32, headers: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(headers))
}
