//! Where does one answer of an upstream begin and end? The same strictness as towards clients: a
//! guard on the raw bytes passes only what everybody reads alike (A16).
//!
//! Bytes are passed as they come and nothing is held back: the parser behind the guard cannot act
//! on a head before its last byte, and that byte is passed only once the head was checked. An
//! answer that nobody asked for, or that goes on after its end, is a violation.

use crate::violation::Violation;

use super::chunks::Chunks;
use super::framing::malformed;
use super::head::{is_token, length, trim};

/// Largest head in bytes, and most headers.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;

/// Most interim answers (1xx) before the final one.
const INTERIM_MAX: u8 = 8;

/// The guard of one connection to an upstream.
#[derive(Debug, Default)]
pub struct AnswerGuard {
    state: State,
    head_only: bool,
    upgrade: bool,
    interim: u8,
    head: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing was asked.
    #[default]
    Idle,
    Head,
    Length(u64),
    Chunked(Chunks),
    UntilClose,
    Broken,
}

/// What a head says.
struct Head {
    status: u16,
    length: Option<u64>,
    chunked: bool,
}

impl AnswerGuard {
    /// A request was sent; one answer may come. To `HEAD` it has no body.
    pub fn ask(&mut self, head_only: bool) {
        if matches!(self.state, State::Idle) {
            self.state = State::Head;
            self.head_only = head_only;
            self.upgrade = false;
            self.interim = 0;
        }
    }

    /// A request was sent that asks for another protocol: 101 may come, and what follows it is that
    /// protocol's (RFC 9110 section 7.8). Any other answer is read as ever.
    pub fn ask_upgrade(&mut self) {
        if matches!(self.state, State::Idle) {
            self.ask(false);
            self.upgrade = true;
        }
    }

    /// Whether no answer is awaited or under way.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Looks at the bytes that came next; says how many of them belong to the answer. What is left
    /// belongs to no answer.
    ///
    /// # Errors
    /// The violation; after it nothing may be read any more.
    pub fn advance(&mut self, input: &[u8]) -> Result<usize, Violation> {
        let mut passed: usize = 0;
        loop {
            let rest = input.get(passed..).unwrap_or_default();
            if rest.is_empty() || (passed > 0 && self.is_idle()) {
                return Ok(passed);
            }
            match self.step(rest) {
                Ok(count) => passed = passed.saturating_add(count),
                Err(violation) => {
                    self.state = State::Broken;
                    return Err(violation);
                }
            }
        }
    }

    fn step(&mut self, input: &[u8]) -> Result<usize, Violation> {
        match &mut self.state {
            State::Idle => Err(malformed("an answer that nobody asked for")),
            State::Broken => Err(malformed("already refused")),
            State::UntilClose => Ok(input.len()),
            State::Head => self.head(input),
            State::Length(left) => {
                let pass = u64::try_from(input.len()).unwrap_or(u64::MAX).min(*left);
                *left = left.saturating_sub(pass);
                if *left == 0 {
                    self.state = State::Idle;
                }
                Ok(usize::try_from(pass).unwrap_or(input.len()))
            }
            State::Chunked(chunks) => {
                let (pass, complete) = chunks.advance(input)?;
                if complete {
                    self.state = State::Idle;
                }
                Ok(pass)
            }
        }
    }

    /// Takes bytes up to the end of a line; at the empty line the head is checked.
    fn head(&mut self, input: &[u8]) -> Result<usize, Violation> {
        let line = input.iter().position(|byte| *byte == b'\n');
        let count = line.map_or(input.len(), |at| at.saturating_add(1));
        if self.head.len().saturating_add(count) > HEAD_BYTES_MAX {
            return Err(malformed("the head of the answer exceeds its bound"));
        }
        self.head.extend_from_slice(input.get(..count).unwrap_or_default());
        if line.is_none() {
            return Ok(count);
        }
        if !self.head.ends_with(b"\r\n") {
            return Err(malformed("LF without CR in the head of the answer"));
        }
        if self.head.ends_with(b"\r\n\r\n") {
            let head = check(&self.head)?;
            self.head.clear();
            self.enter(&head)?;
        }
        Ok(count)
    }

    fn enter(&mut self, head: &Head) -> Result<(), Violation> {
        let framed = head.chunked || head.length.is_some_and(|length| length > 0);
        if head.status == 101 && !self.upgrade {
            return Err(malformed("it changes the protocol without being asked"));
        }
        if (head.status < 200 || head.status == 204) && framed {
            return Err(malformed("an answer that has no body announces one"));
        }
        if head.status == 101 {
            self.state = State::UntilClose;
            return Ok(());
        }
        if head.status < 200 {
            self.interim = self.interim.saturating_add(1);
            if self.interim > INTERIM_MAX {
                return Err(malformed("too many interim answers"));
            }
            return Ok(());
        }
        let bodiless = self.head_only || matches!(head.status, 204 | 304);
        self.state = match (bodiless, head.chunked, head.length) {
            (true, ..) | (false, false, Some(0)) => State::Idle,
            (false, true, _) => State::Chunked(Chunks::with_trailers()),
            (false, false, Some(length)) => State::Length(length),
            (false, false, None) => State::UntilClose,
        };
        Ok(())
    }
}

/// Checks a whole head, its final empty line included.
fn check(head: &[u8]) -> Result<Head, Violation> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r"));
    let (status, http10) = status_line(lines.next().flatten().unwrap_or_default())?;
    let mut found = Head { status, length: None, chunked: false };
    for (count, line) in lines.map_while(|line| line.filter(|line| !line.is_empty())).enumerate() {
        if count >= HEADERS_MAX {
            return Err(malformed("the answer has too many headers"));
        }
        field(line, &mut found)?;
    }
    if found.chunked && (found.length.is_some() || http10) {
        return Err(malformed("`Transfer-Encoding` with `Content-Length`, or in HTTP/1.0"));
    }
    Ok(found)
}

fn status_line(line: &[u8]) -> Result<(u16, bool), Violation> {
    let invalid = || malformed("the status line is malformed");
    let (http10, rest) = match (line.strip_prefix(b"HTTP/1.1 "), line.strip_prefix(b"HTTP/1.0 ")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Err(invalid()),
    };
    let (digits, reason) = rest.split_at_checked(3).ok_or_else(invalid)?;
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
    let status = text.and_then(|text| text.parse().ok()).ok_or_else(invalid)?;
    let reason_ok = reason.is_empty() || (reason.starts_with(b" ") && reason.iter().all(is_text));
    if reason_ok && (100..600).contains(&status) { Ok((status, http10)) } else { Err(invalid()) }
}

fn field(line: &[u8], found: &mut Head) -> Result<(), Violation> {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return Err(malformed("a header line of the answer has no colon"));
    };
    let name = line.get(..colon).unwrap_or_default();
    let value = trim(line.get(colon.saturating_add(1)..).unwrap_or_default());
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err(malformed("a header name of the answer is not a token"));
    }
    if !value.iter().all(is_text) {
        return Err(malformed("a header value of the answer has a control character"));
    }
    if name.eq_ignore_ascii_case(b"content-length") {
        if found.length.replace(length(value)?).is_some() {
            return Err(malformed("`Content-Length` stands more than once"));
        }
    } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
        if found.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(malformed("a transfer coding other than one `chunked`"));
        }
        found.chunked = true;
    }
    Ok(())
}

/// What may stand in a value: no control characters; bytes above ASCII are opaque.
const fn is_text(byte: &u8) -> bool {
    *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::AnswerGuard;

    /// How many bytes pass, in pieces of every size alike.
    fn passed(input: &[u8], head_only: bool) -> Option<usize> {
        let mut verdicts = Vec::new();
        for size in [1, 2, 7, input.len()] {
            let mut guard = AnswerGuard::default();
            guard.ask(head_only);
            let mut total = 0;
            let verdict = input.chunks(size).try_for_each(|piece| {
                if guard.is_idle() {
                    return Ok(());
                }
                guard.advance(piece).map(|count| total += count)
            });
            verdicts.push(verdict.ok().map(|()| total));
        }
        assert!(verdicts.windows(2).all(|two| two[0] == two[1]), "{verdicts:?}");
        verdicts[0]
    }

    #[test]
    fn a16_good_answers_pass_to_their_last_byte() {
        for (answer, head_only) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
            ("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\n",
                false,
            ),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\n\r\nuntil the end", false),
        ] {
            assert_eq!(passed(answer.as_bytes(), head_only), Some(answer.len()), "{answer}");
        }
        let two = "HTTP/1.1 204 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n";
        assert_eq!(passed(two.as_bytes(), false), Some(two.len() / 2));
    }

    #[test]
    fn a16_what_can_be_read_in_two_ways_does_not_pass() {
        for answer in [
            "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nX: 1\nContent-Length: 2\r\n\r\nok",
            "\r\nHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\n\r\n",
            "HTTP/1.1 200 OK\r\nX : 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 103 x\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 999 x\r\n\r\n",
            "HTTP/1.2 200 OK\r\n\r\n",
            "garbage\r\n\r\n",
        ] {
            assert_eq!(passed(answer.as_bytes(), false), None, "{answer}");
        }
        let mut guard = AnswerGuard::default();
        guard.ask_upgrade();
        let switched = b"HTTP/1.1 101 x\r\nUpgrade: w\r\n\r\nHTTP/1.1 \0";
        assert_eq!(guard.advance(switched).ok(), Some(switched.len()), "asked for");
        assert_eq!(passed("HTTP/1.1 100 x\r\n\r\n".repeat(9).as_bytes(), false), None);
        assert!(AnswerGuard::default().advance(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
