//! Does a client send more frames than it needs? A guard on the raw bytes of one HTTP/2 connection
//! (RFC 9113): it reads frame headers only, and ends the connection within a bounded number of
//! frames that cost the server more than the client (attack cases B1 to B5).
//!
//! Frames that carry requests are free; every other frame takes from a bucket that time refills and
//! that answers refill, so that a busy connection may also say more. What frames mean, and whether
//! they may stand where they stand, is the HTTP layer's business.

use std::time::Duration;

use portcullis_model::Reason;

use crate::violation::Violation;

/// What every client sends first (RFC 9113 section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADER_BYTES: usize = 9;
/// Payload that every endpoint must accept, and more than we ever allow (section 4.2).
const PAYLOAD_BYTES_MAX: usize = 16_384;
/// Frames that one header block may be cut into.
const CONTINUATIONS_MAX: u32 = 8;
/// Frames beyond requests that a fresh connection may send.
const BURST: u64 = 300;
/// Most that a bucket holds, however many answers refilled it.
const BUCKET_MAX: u64 = 2_000;
/// Frames beyond requests per second.
const PER_SECOND: u64 = 50;
/// Bytes sent to the client that earn one frame: a window update for each that it takes.
const BYTES_PER_FRAME: u64 = 4_096;
/// Frames that one answer earns.
const PER_ANSWER: u64 = 4;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// Bounds of a connection.
#[derive(Clone, Copy, Debug)]
pub struct FrameBounds {
    /// Largest header block, compressed, in bytes.
    pub head_bytes_max: usize,
}

/// The guard of one connection.
#[derive(Debug)]
pub struct FrameGuard {
    bounds: FrameBounds,
    state: State,
    bucket: u64,
    refilled: Duration,
    earned_bytes: u64,
    /// Bytes and frames of the header block that has not ended.
    block: Option<(usize, u32)>,
    /// Frames that came whole.
    whole: u64,
}

#[derive(Debug)]
enum State {
    Preface { matched: usize },
    Header { have: usize, bytes: [u8; HEADER_BYTES] },
    Payload { left: usize, data: bool },
    Broken,
}

impl FrameGuard {
    /// A guard for a fresh connection.
    #[must_use]
    pub const fn new(bounds: FrameBounds) -> Self {
        Self {
            bounds,
            state: State::Preface { matched: 0 },
            bucket: BURST,
            refilled: Duration::ZERO,
            earned_bytes: 0,
            block: None,
            whole: 0,
        }
    }

    /// Whether the preface, a header block or a frame (but for a body's bytes) has begun and not ended.
    #[must_use]
    pub const fn in_head(&self) -> bool {
        match self.state {
            State::Preface { .. } => true,
            State::Header { have, .. } => have > 0 || self.block.is_some(),
            // a body may come as slowly as it is declared to; every other frame must end
            State::Payload { data, .. } => !data || self.block.is_some(),
            State::Broken => self.block.is_some(),
        }
    }

    /// How many frames, header blocks counted as one, have come whole.
    #[must_use]
    pub const fn whole(&self) -> u64 {
        self.whole
    }

    /// An answer was given.
    pub fn answered(&mut self) {
        self.earn(PER_ANSWER);
    }

    /// Bytes were sent to the client.
    pub fn sent(&mut self, bytes: u64) {
        self.earned_bytes = self.earned_bytes.saturating_add(bytes);
        let frames = self.earned_bytes / BYTES_PER_FRAME;
        self.earned_bytes %= BYTES_PER_FRAME;
        self.earn(frames);
    }

    fn earn(&mut self, frames: u64) {
        self.bucket = self.bucket.saturating_add(frames).min(BUCKET_MAX);
    }

    /// Looks at the next bytes, `age` after the connection began. All of them may be passed on.
    ///
    /// # Errors
    /// `receive.malformed_framing`, `receive.head_too_large` or `receive.frame_flood`; the
    /// connection must end.
    pub fn advance(&mut self, input: &[u8], age: Duration) -> Result<(), Violation> {
        self.refill(age);
        let mut rest = input;
        while !rest.is_empty() {
            match self.step(rest) {
                Ok(used) => rest = rest.get(used..).unwrap_or_default(),
                Err(violation) => {
                    self.state = State::Broken;
                    return Err(violation);
                }
            }
        }
        Ok(())
    }

    fn refill(&mut self, age: Duration) {
        let passed = age.saturating_sub(self.refilled).as_millis();
        let frames = u64::try_from(passed).unwrap_or(u64::MAX).saturating_mul(PER_SECOND) / 1000;
        if frames > 0 {
            self.refilled = age;
            // time alone never makes more than a fresh connection has
            let room = BURST.saturating_sub(self.bucket);
            self.earn(frames.min(room));
        }
    }

    /// Uses up at least one byte of the input.
    fn step(&mut self, input: &[u8]) -> Result<usize, Violation> {
        match &mut self.state {
            State::Broken => Err(malformed("already refused")),
            State::Preface { matched } => {
                let expected = PREFACE.get(*matched..).unwrap_or_default();
                let count = expected.len().min(input.len());
                if expected.get(..count) != input.get(..count) {
                    return Err(malformed("it does not begin with the preface"));
                }
                *matched = matched.saturating_add(count);
                if *matched == PREFACE.len() {
                    self.state = State::Header { have: 0, bytes: [0; HEADER_BYTES] };
                }
                Ok(count)
            }
            State::Header { have, bytes } => {
                let missing = HEADER_BYTES.saturating_sub(*have);
                let count = missing.min(input.len());
                for (to, from) in bytes.iter_mut().skip(*have).zip(input) {
                    *to = *from;
                }
                *have = have.saturating_add(count);
                if *have == HEADER_BYTES {
                    let bytes = *bytes;
                    self.frame(bytes)?;
                }
                Ok(count)
            }
            State::Payload { left, .. } => {
                let count = (*left).min(input.len());
                *left = left.saturating_sub(count);
                if *left == 0 {
                    self.frame_ended();
                }
                Ok(count)
            }
        }
    }

    fn frame(&mut self, header: [u8; HEADER_BYTES]) -> Result<(), Violation> {
        let [a, b, c, kind, flags, ..] = header;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if length > PAYLOAD_BYTES_MAX {
            return Err(malformed("a frame is larger than was allowed"));
        }
        match kind {
            HEADERS | CONTINUATION => self.header_block(kind, flags, length)?,
            PUSH_PROMISE => return Err(malformed("a client cannot push")),
            DATA if length > 0 || flags & END_STREAM != 0 => {}
            _ => self.pay(1)?,
        }
        match length {
            0 => self.frame_ended(),
            left => self.state = State::Payload { left, data: kind == DATA },
        }
        Ok(())
    }

    const fn frame_ended(&mut self) {
        self.state = State::Header { have: 0, bytes: [0; HEADER_BYTES] };
        if self.block.is_none() {
            self.whole = self.whole.saturating_add(1);
        }
    }

    fn header_block(&mut self, kind: u8, flags: u8, length: usize) -> Result<(), Violation> {
        let (bytes, frames) = match (kind, self.block) {
            (CONTINUATION, Some(block)) => block,
            (CONTINUATION, None) => return Err(malformed("a continuation of nothing")),
            (_, Some(_)) => return Err(malformed("a header block within another")),
            (_, None) => (0, 0),
        };
        let (bytes, frames) = (bytes.saturating_add(length), frames.saturating_add(1));
        if bytes > self.bounds.head_bytes_max || frames > CONTINUATIONS_MAX {
            return Err(Violation::new(Reason::HeadTooLarge, "a header block has no end"));
        }
        self.block = (flags & END_HEADERS == 0).then_some((bytes, frames));
        Ok(())
    }

    fn pay(&mut self, frames: u64) -> Result<(), Violation> {
        match self.bucket.checked_sub(frames) {
            Some(left) => {
                self.bucket = left;
                Ok(())
            }
            None => Err(Violation::new(
                Reason::FrameFlood,
                "more resets, pings, settings, window updates or empty frames than answers explain",
            )),
        }
    }
}

fn malformed(detail: &str) -> Violation {
    Violation::new(Reason::MalformedFraming, detail)
}

#[cfg(test)]
mod tests;
