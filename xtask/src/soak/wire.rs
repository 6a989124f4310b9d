//! How does a client of the soak speak HTTP/1.1? Over a plain connection or TLS; a whole answer is told
//! from one that was cut off, and nothing here stops at a connection that is refused.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use portcullis_testkit::secure::Secure;
use portcullis_testkit::{Answer, Dialer};

use super::asked::Got;

/// Longest wait for any byte.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest head and longest answer, in bytes.
const HEAD_MAX: usize = 64 * 1024;
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// Bytes in and out.
#[derive(Debug)]
pub(super) enum Wire {
    /// Plain.
    Plain(TcpStream),
    /// Over TLS.
    Secure(Box<Secure>),
}

impl Wire {
    /// Connects.
    pub(super) fn plain(address: SocketAddr) -> Result<Self, String> {
        Ok(Self::Plain(connect(address)?))
    }

    /// Connects and carries out the handshake.
    pub(super) fn secure(address: SocketAddr, dialer: &Dialer, name: &str) -> Result<Self, String> {
        let secure = dialer.dial_over(connect(address)?, name)?;
        Ok(Self::Secure(Box::new(secure)))
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let connect = || {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    connect().map_err(|error: std::io::Error| format!("connect: {error}"))
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Secure(secure) => secure.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Secure(secure) => secure.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Secure(secure) => secure.flush(),
        }
    }
}

/// A connection over which requests are asked one after the other.
#[derive(Debug)]
pub(super) struct Connection {
    wire: Wire,
    rest: Vec<u8>,
    pause: Option<Duration>,
}

impl Connection {
    /// Over these bytes.
    pub(super) const fn new(wire: Wire) -> Self {
        Self { wire, rest: Vec::new(), pause: None }
    }

    /// Takes what comes slowly: a pause after each part.
    pub(super) const fn slowly(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    /// Sends bytes.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = self.wire.write_all(bytes).and_then(|()| self.wire.flush());
        sent.map_err(|error| format!("while sending: {error}"))
    }

    /// Sends a request and reads its answer.
    pub(super) fn ask(&mut self, request: &str) -> Got {
        // whoever refuses early may close before it has read everything: the answer is there
        let sent = self.send(request.as_bytes());
        match self.answer() {
            Ok(answer) => Got::Whole(answer),
            Err(why) => Got::Broken(format!("{why}, {sent:?}")),
        }
    }

    /// Reads a whole answer; interim ones are left out.
    pub(super) fn answer(&mut self) -> Result<Answer, String> {
        loop {
            let mut answer = self.head()?;
            if answer.status == 101 || !(100..200).contains(&answer.status) {
                self.read_body(&mut answer)?;
                return Ok(answer);
            }
        }
    }

    /// Reads a head.
    pub(super) fn head(&mut self) -> Result<Answer, String> {
        let raw = self.until(b"\r\n\r\n", HEAD_MAX)?;
        let text = String::from_utf8_lossy(&raw).into_owned();
        let mut lines = text.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| format!("no answer: {text}"))?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Answer { status, headers, body: String::new() })
    }

    /// Reads the body that belongs to a head.
    pub(super) fn read_body(&mut self, answer: &mut Answer) -> Result<(), String> {
        let bytes = if answer.status == 101 || answer.status == 204 || answer.status == 304 {
            Vec::new()
        } else if answer.header("transfer-encoding").is_some() {
            let mut whole = Vec::new();
            while let Some(part) = self.chunk()? {
                whole.extend_from_slice(&part);
            }
            whole
        } else {
            let length = answer.header("content-length").and_then(|text| text.parse().ok());
            self.exactly(length.ok_or("an answer without length")?)?
        };
        answer.body = String::from_utf8_lossy(&bytes).into_owned();
        Ok(())
    }

    /// The next chunk; `None` after the last.
    pub(super) fn chunk(&mut self) -> Result<Option<Vec<u8>>, String> {
        let line = self.until(b"\r\n", 64)?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let size =
            usize::from_str_radix(line.trim(), 16).map_err(|_| format!("no chunk: {line}"))?;
        let part = self.exactly(size)?;
        self.exactly(2)?;
        Ok((size > 0).then_some(part))
    }

    fn until(&mut self, end: &[u8], most: usize) -> Result<Vec<u8>, String> {
        loop {
            let found = self.rest.windows(end.len()).position(|part| part == end);
            if let Some(at) = found {
                return Ok(self.rest.drain(..at + end.len()).collect());
            }
            if self.rest.len() > most {
                return Err("it does not end".to_owned());
            }
            self.more()?;
        }
    }

    /// So many bytes.
    pub(super) fn exactly(&mut self, count: usize) -> Result<Vec<u8>, String> {
        if count > ANSWER_MAX {
            return Err("too much".to_owned());
        }
        while self.rest.len() < count {
            self.more()?;
        }
        Ok(self.rest.drain(..count).collect())
    }

    fn more(&mut self) -> Result<(), String> {
        let mut part = [0; 16 * 1024];
        let count = self.wire.read(&mut part).map_err(|error| format!("while reading: {error}"))?;
        if count == 0 {
            return Err(format!("ended after {} bytes", self.rest.len()));
        }
        self.rest.extend_from_slice(part.get(..count).unwrap_or_default());
        if let Some(pause) = self.pause {
            std::thread::sleep(pause);
        }
        Ok(())
    }
}
