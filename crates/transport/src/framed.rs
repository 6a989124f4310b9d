//! What may the HTTP/2 layer see? Bytes that the frame guard has counted, within deadlines.
//!
//! After a violation the connection ends: nothing more is read, and whoever serves it learns why
//! from [`Framed`]. Idle time counts only while no request is being answered; a header block that
//! has begun must end; a client that takes nothing is cut off.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use portcullis_reading::http2::{FrameBounds, FrameGuard};
use portcullis_reading::violation::Violation;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::guarded::Deadlines;

/// What the stream and whoever serves its requests tell each other.
#[derive(Debug, Default)]
pub struct Framed {
    broken: Mutex<Option<Violation>>,
    begun: AtomicU64,
    answered: AtomicU64,
    reader: Mutex<Option<Waker>>,
}

impl Framed {
    /// Why the connection ended, where its frames were the reason.
    #[must_use]
    pub fn broken(&self) -> Option<Violation> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that a request has begun.
    pub fn begun(&self) {
        self.begun.fetch_add(1, Ordering::AcqRel);
    }

    /// Says that a request has been answered; only without any under way does idle time count.
    pub fn answered(&self) {
        self.answered.fetch_add(1, Ordering::AcqRel);
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn is_busy(&self, cx: &Context<'_>) -> bool {
        let busy = || self.answered.load(Ordering::Acquire) < self.begun.load(Ordering::Acquire);
        if !busy() {
            return false;
        }
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        // it may have been answered between the two
        busy()
    }
}

/// A stream whose reading side holds only counted frames.
#[derive(Debug)]
pub struct FramedStream<S> {
    inner: S,
    guard: FrameGuard,
    framed: Arc<Framed>,
    deadlines: Deadlines,
    opened: Instant,
    credited: u64,
    ended: bool,
    waiting: Option<Waiting>,
    /// Frames that had come whole when a head's time began.
    whole: u64,
    read_timer: Pin<Box<Sleep>>,
    write_timer: Option<Pin<Box<Sleep>>>,
}

/// What the reading side waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Idle,
    Head,
}

impl<S> FramedStream<S> {
    /// Guards a fresh connection.
    #[must_use]
    pub fn new(inner: S, bounds: FrameBounds, deadlines: Deadlines) -> Self {
        Self {
            inner,
            guard: FrameGuard::new(bounds),
            framed: Arc::default(),
            deadlines,
            opened: Instant::now(),
            credited: 0,
            ended: false,
            waiting: None,
            whole: 0,
            read_timer: Box::pin(sleep(deadlines.idle)),
            write_timer: None,
        }
    }

    /// What is known about its requests.
    #[must_use]
    pub fn framed(&self) -> Arc<Framed> {
        Arc::clone(&self.framed)
    }

    fn judge(&mut self, bytes: &[u8]) -> io::Result<()> {
        let answered = self.framed.answered.load(Ordering::Acquire);
        for _ in self.credited..answered {
            self.guard.answered();
        }
        self.credited = answered;
        self.guard.advance(bytes, self.opened.elapsed()).map_err(|violation| {
            self.ended = true;
            let error = io::Error::new(io::ErrorKind::InvalidData, violation.detail.clone());
            *self.framed.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(violation);
            error
        })
    }

    /// Whether a deadline of the reading side has passed.
    fn read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waiting = if self.guard.in_head() {
            Some(Waiting::Head)
        } else {
            (!self.framed.is_busy(cx)).then_some(Waiting::Idle)
        };
        // what began after another was whole has a time of its own
        let another = waiting == Some(Waiting::Head) && self.whole != self.guard.whole();
        if waiting != self.waiting || another {
            self.waiting = waiting;
            self.whole = self.guard.whole();
            let length = match waiting {
                None => return Poll::Pending,
                Some(Waiting::Idle) => self.deadlines.idle,
                Some(Waiting::Head) => self.deadlines.head,
            };
            self.read_timer.as_mut().reset(later(length));
        }
        match waiting {
            None => Poll::Pending,
            Some(_) => self.read_timer.as_mut().poll(cx),
        }
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &done {
            Poll::Ready(written) => {
                self.write_timer = None;
                let bytes = written.as_ref().map_or(0, |count| *count);
                self.guard.sent(u64::try_from(bytes).unwrap_or(u64::MAX));
                done
            }
            Poll::Pending => {
                let length = self.deadlines.write;
                let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(length)));
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the client does not read",
                )))
            }
        }
    }
}

fn later(length: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(length).unwrap_or(now)
}

impl<S: AsyncRead + Unpin> AsyncRead for FramedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                let fresh = buf.filled().get(before..).unwrap_or_default();
                if fresh.is_empty() {
                    this.ended = true;
                    return Poll::Ready(Ok(()));
                }
                // any byte starts an idle time anew; a block that has begun keeps its deadline
                if this.waiting == Some(Waiting::Idle) {
                    this.waiting = None;
                }
                if let Err(error) = this.judge(fresh) {
                    buf.set_filled(before);
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                ready!(this.read_deadline(cx));
                this.ended = true;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FramedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.written(cx, done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.inner).poll_write_vectored(cx, parts);
        this.written(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
