//! What may the HTTP parser see? Only bytes that the guard has passed.
//!
//! A head that the guard refuses never reaches the parser. In its place the parser is given one
//! fixed, harmless head, and whoever serves the connection learns from [`Connection`] that this
//! request is a refusal; so a refusal is answered in order, after the answers before it, and
//! nothing behind it is ever read. Heads, idle times and writes have deadlines.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use portcullis_model::Reason;
use portcullis_reading::http1::{Bounds, Guard};
use portcullis_reading::violation::Violation;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// What the parser reads where a head was refused.
const REFUSED_HEAD: &[u8] =
    b"GET /.portcullis-refused HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";

/// Bytes read at once.
const READ_BYTES: usize = 8192;

/// After a refusal the client's remaining bytes are thrown away for this long and this far, so that
/// the answer reaches it instead of a reset.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 256 * 1024;

/// Deadlines of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// From the first to the last byte of a head.
    pub head: Duration,
    /// Between two requests, and before the first.
    pub idle: Duration,
    /// For a write to make any progress.
    pub write: Duration,
}

/// What the stream and whoever serves its requests tell each other.
#[derive(Debug, Default)]
pub struct Connection {
    refused: Mutex<Option<(u64, Violation)>>,
    broken_body: Mutex<Option<Violation>>,
    answered: AtomicU64,
    switched: AtomicBool,
    reader: Mutex<Option<Waker>>,
}

impl Connection {
    /// The violation in the place of the request of this number (from 1), if it is one.
    #[must_use]
    pub fn refused_head(&self, number: u64) -> Option<Violation> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.as_ref().filter(|(at, _)| *at == number).map(|(_, violation)| violation.clone())
    }

    /// Why a body broke off, where its framing was the reason.
    #[must_use]
    pub fn broken_body(&self) -> Option<Violation> {
        self.broken_body.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that the connection speaks another protocol from the answer to this request on, which
    /// is not looked at. Bytes that the client sent before the answer were judged as requests.
    pub fn switch(&self) {
        self.switched.store(true, Ordering::Release);
    }

    fn is_switched(&self) -> bool {
        self.switched.load(Ordering::Acquire)
    }

    /// Says that one more request has been answered; only then do idle time and the client's end of
    /// sending count.
    pub fn answered(&self) {
        self.answered.fetch_add(1, Ordering::AcqRel);
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Whether a request is not answered yet; if so, the reader is woken when it is.
    fn is_busy(&self, heads: u64, cx: &Context<'_>) -> bool {
        if self.answered.load(Ordering::Acquire) >= heads {
            return false;
        }
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        // it may have been answered between the two
        self.answered.load(Ordering::Acquire) < heads
    }
}

/// A stream whose reading side holds only guarded bytes.
#[derive(Debug)]
pub struct GuardedStream<S> {
    inner: S,
    guard: Guard,
    connection: Arc<Connection>,
    deadlines: Deadlines,
    scratch: Box<[u8]>,
    raw: BytesMut,
    passed: usize,
    instead: &'static [u8],
    ended: bool,
    refused: bool,
    heads: u64,
    waiting: Waiting,
    read_timer: Pin<Box<Sleep>>,
    write_timer: Option<Pin<Box<Sleep>>>,
    lingered: usize,
    shut: bool,
}

/// What the reading side waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Nothing,
    FirstByte,
    Head,
}

impl<S> GuardedStream<S> {
    /// Guards a fresh connection.
    #[must_use]
    pub fn new(inner: S, bounds: Bounds, deadlines: Deadlines) -> Self {
        Self {
            inner,
            guard: Guard::new(bounds),
            connection: Arc::default(),
            deadlines,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
            raw: BytesMut::new(),
            passed: 0,
            instead: b"",
            ended: false,
            refused: false,
            heads: 0,
            waiting: Waiting::Nothing,
            read_timer: Box::pin(sleep(deadlines.idle)),
            write_timer: None,
            lingered: 0,
            shut: false,
        }
    }

    /// What is known about its requests.
    #[must_use]
    pub fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }

    /// Asks the guard about what was read. `Ok(false)` asks for more bytes.
    fn judge(&mut self) -> io::Result<bool> {
        let in_head = self.guard.in_head();
        match self.guard.advance(&self.raw) {
            Ok(progress) if progress.pass == 0 && progress.event.is_none() => Ok(false),
            Ok(progress) => {
                self.passed = progress.pass;
                if in_head && progress.event.is_some() {
                    self.heads = self.heads.saturating_add(1);
                    self.waiting = Waiting::Nothing;
                }
                Ok(true)
            }
            Err(violation) if in_head => {
                self.refuse(violation);
                Ok(true)
            }
            Err(violation) => {
                self.ended = true;
                let error = io::Error::new(io::ErrorKind::InvalidData, violation.detail.clone());
                let slot = &self.connection.broken_body;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(violation);
                Err(error)
            }
        }
    }

    fn refuse(&mut self, violation: Violation) {
        self.heads = self.heads.saturating_add(1);
        self.ended = true;
        self.refused = true;
        self.instead = REFUSED_HEAD;
        let mut refused = self.connection.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = Some((self.heads, violation));
    }

    /// Whether a deadline of the reading side has passed.
    fn read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waiting = match (self.guard.in_head(), self.raw.is_empty()) {
            (true, false) => Waiting::Head,
            (true, true) if !self.connection.is_busy(self.heads, cx) => Waiting::FirstByte,
            (true, true) | (false, _) => Waiting::Nothing,
        };
        if waiting != self.waiting {
            self.waiting = waiting;
            let length = match waiting {
                Waiting::Nothing => return Poll::Pending,
                Waiting::FirstByte => self.deadlines.idle,
                Waiting::Head => self.deadlines.head,
            };
            self.read_timer.as_mut().reset(later(length));
        }
        if waiting == Waiting::Nothing {
            return Poll::Pending;
        }
        self.read_timer.as_mut().poll(cx)
    }

    fn write_deadline<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.write_timer = None;
            return done;
        }
        let length = self.deadlines.write;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(length)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

fn later(length: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(length).unwrap_or(now)
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.instead.is_empty() {
                let (now, rest) =
                    this.instead.split_at_checked(buf.remaining()).unwrap_or((this.instead, b""));
                buf.put_slice(now);
                this.instead = rest;
                return Poll::Ready(Ok(()));
            }
            if this.passed > 0 {
                let count = this.passed.min(buf.remaining());
                buf.put_slice(this.raw.get(..count).unwrap_or_default());
                this.raw.advance(count);
                this.passed = this.passed.saturating_sub(count);
                return Poll::Ready(Ok(()));
            }
            if this.ended {
                // the parser takes an end for a client that is gone, and would drop the answer
                let whole = this.refused || this.guard.in_head();
                let waits = whole && this.connection.is_busy(this.heads, cx);
                return if waits { Poll::Pending } else { Poll::Ready(Ok(())) };
            }
            if this.connection.is_switched() {
                if this.raw.is_empty() {
                    return Pin::new(&mut this.inner).poll_read(cx, buf);
                }
                this.passed = this.raw.len();
                continue;
            }
            if this.judge()? {
                continue;
            }
            let mut read = ReadBuf::new(&mut this.scratch);
            match Pin::new(&mut this.inner).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if read.filled().is_empty() => this.ended = true,
                Poll::Ready(Ok(())) => this.raw.extend_from_slice(read.filled()),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    ready!(this.read_deadline(cx));
                    match this.waiting {
                        Waiting::Head => this.refuse(Violation::new(
                            Reason::HeadTimeout,
                            "the head did not arrive in time",
                        )),
                        Waiting::FirstByte | Waiting::Nothing => this.ended = true,
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for GuardedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.write_deadline(cx, done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_write_vectored(cx, parts);
        this.write_deadline(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_flush(cx);
        this.write_deadline(cx, done)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.shut {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            this.shut = true;
            this.read_timer.as_mut().reset(later(LINGER));
        }
        let whole = this.guard.in_head() && this.raw.is_empty() && !this.ended;
        while !whole && this.lingered < LINGER_BYTES {
            let mut read = ReadBuf::new(&mut this.scratch);
            match Pin::new(&mut this.inner).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                    this.lingered = this.lingered.saturating_add(read.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(this.read_timer.as_mut().poll(cx));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
