//! What may the HTTP client see of an upstream? Only bytes that the answer guard has passed.
//!
//! Whoever sends a request says so first; bytes that come without a request break the connection,
//! and so does whatever follows an answer (A16).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use portcullis_reading::http1::answer::AnswerGuard;
use portcullis_reading::violation::Violation;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const NOTHING: u8 = 0;
const ANY: u8 = 1;
const HEAD: u8 = 2;
const UPGRADE: u8 = 3;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// An answer that may have a body.
    Any,
    /// The answer to `HEAD`.
    Head,
    /// Another protocol; or an answer.
    Upgrade,
}

/// What was asked on a connection and not answered yet, and whether the answer has begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    wanted: AtomicU8,
    begun: AtomicBool,
}

impl Asked {
    /// A request is about to be sent.
    pub(crate) fn ask(&self, wanted: Wanted) {
        let wanted = match wanted {
            Wanted::Any => ANY,
            Wanted::Head => HEAD,
            Wanted::Upgrade => UPGRADE,
        };
        self.0.begun.store(false, Ordering::Release);
        self.0.wanted.store(wanted, Ordering::Release);
    }

    /// Whether a byte came since it was asked.
    pub(crate) fn answer_has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Acquire)
    }
}

/// A stream whose reading side holds only guarded answers.
#[derive(Debug)]
pub(crate) struct AnsweredStream<S> {
    inner: S,
    guard: AnswerGuard,
    asked: Asked,
    broken: bool,
}

impl<S> AnsweredStream<S> {
    /// Guards a fresh connection.
    pub(crate) fn new(inner: S, asked: Asked) -> Self {
        Self { inner, guard: AnswerGuard::default(), asked, broken: false }
    }

    /// How many of these bytes may be read.
    fn judge(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.guard.is_idle() {
            match self.asked.0.wanted.swap(NOTHING, Ordering::AcqRel) {
                NOTHING => {}
                UPGRADE => self.guard.ask_upgrade(),
                asked => self.guard.ask(asked == HEAD),
            }
        }
        self.asked.0.begun.store(true, Ordering::Release);
        let passed =
            self.guard.advance(bytes).map_err(|violation: Violation| invalid(&violation.detail))?;
        self.broken = passed < bytes.len();
        Ok(passed)
    }
}

/// Why the guard let nothing pass any more.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub(crate) String);

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Unreadable(why.to_owned()))
}

impl<S: AsyncRead + Unpin> AsyncRead for AnsweredStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(Err(invalid("more than was asked for")));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if fresh.is_empty() {
            return Poll::Ready(Ok(()));
        }
        match this.judge(fresh) {
            Ok(passed) => {
                buf.set_filled(before.saturating_add(passed));
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                this.broken = true;
                buf.set_filled(before);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AnsweredStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, parts)
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
