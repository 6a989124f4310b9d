//! Where does one HTTP/1 request end and the next begin? A guard on the raw bytes, without I/O:
//! it passes only the strict subset of RFC 9112 in which everybody agrees.
//!
//! A head is passed when it is whole and valid, never earlier; a body is passed as it comes, its
//! framing checked. After a violation nothing more may ever be passed on the connection.
//! [`answer`] does the same for what comes back from upstreams.

pub mod answer;
mod chunks;
mod framing;
mod head;

use portcullis_model::Reason;

use crate::violation::Violation;
use chunks::Chunks;
use framing::Framing;

pub use framing::Bounds;

/// The guard of one connection.
#[derive(Debug)]
pub struct Guard {
    bounds: Bounds,
    state: State,
}

#[derive(Debug)]
enum State {
    Head { searched: usize },
    Length { left: u64 },
    Chunked(Chunks),
    Broken,
}

/// What may be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// This many bytes of the input may be handed on.
    pub pass: usize,
    /// What ended with them.
    pub event: Option<Event>,
}

/// A point in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A head was passed; its body follows.
    HeadComplete,
    /// A head without body was passed, or the last byte of a body.
    MessageComplete,
}

impl Guard {
    /// A guard for a fresh connection.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, state: State::Head { searched: 0 } }
    }

    /// Whether no byte of a next message has been passed yet.
    #[must_use]
    pub const fn in_head(&self) -> bool {
        matches!(self.state, State::Head { .. })
    }

    /// Looks at bytes that were not passed yet. `pass == 0` without event asks for more bytes;
    /// it must be called again with the same bytes and what followed them.
    ///
    /// # Errors
    /// The violation; every later call answers the same reason.
    pub fn advance(&mut self, input: &[u8]) -> Result<Progress, Violation> {
        let progress = match &mut self.state {
            State::Broken => Err(Violation::new(Reason::MalformedFraming, "already refused")),
            State::Head { searched } => {
                let (bounds, from) = (self.bounds, *searched);
                match head::end(input, from, bounds.head_bytes_max) {
                    Err(violation) => Err(violation),
                    Ok(head::End::Unknown { searched: now }) => {
                        *searched = now;
                        Ok(Progress { pass: 0, event: None })
                    }
                    Ok(head::End::At(length)) => {
                        let head = input.get(..length).unwrap_or_default();
                        head::check(head, &bounds).map(|framing| self.enter(framing, length))
                    }
                }
            }
            State::Length { left } => {
                let available = u64::try_from(input.len()).unwrap_or(u64::MAX);
                let pass = available.min(*left);
                *left = left.saturating_sub(pass);
                let event = (*left == 0).then_some(Event::MessageComplete);
                Ok(Progress { pass: usize::try_from(pass).unwrap_or(input.len()), event })
            }
            State::Chunked(chunks) => chunks.advance(input).map(|(pass, complete)| Progress {
                pass,
                event: complete.then_some(Event::MessageComplete),
            }),
        };
        match &progress {
            Ok(Progress { event: Some(Event::MessageComplete), .. }) => {
                self.state = State::Head { searched: 0 };
            }
            Ok(_) => {}
            Err(_) => self.state = State::Broken,
        }
        progress
    }

    fn enter(&mut self, framing: Framing, length: usize) -> Progress {
        let (state, event) = match framing {
            Framing::Length(0) => (State::Head { searched: 0 }, Event::MessageComplete),
            Framing::Length(left) => (State::Length { left }, Event::HeadComplete),
            Framing::Chunked => (State::Chunked(Chunks::default()), Event::HeadComplete),
        };
        self.state = state;
        Progress { pass: length, event: Some(event) }
    }
}

#[cfg(test)]
mod tests;
