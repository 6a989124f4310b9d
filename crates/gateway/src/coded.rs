//! How is an answer compressed on its way? As it comes: what came is coded at once, and whenever the
//! upstream pauses, everything so far goes out, so that no client waits for what is there already.
//! Memory is bounded by the windows of the codings.

use std::fmt;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use brotli::CompressorWriter;
use bytes::{Buf, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame};
use portcullis_config::declaration::Coding;
use portcullis_transport::upstream::{Interrupted, UpstreamBody};

/// Coded bytes that are sent at once.
const PART_BYTES: usize = 8 * 1024;

/// Brotli: quality and window (2^18 bytes) that cost about as much as gzip.
const QUALITY: u32 = 4;
const WINDOW: u32 = 18;

/// A body that is coded as it is read.
#[derive(Debug)]
pub(crate) struct Coded {
    coder: Option<Coder>,
    /// Whether something was coded and has not gone out.
    waits: bool,
    trailers: Option<Frame<Bytes>>,
}

enum Coder {
    Br(Box<CompressorWriter<Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl fmt::Debug for Coder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Br(_) => "Br",
            Self::Gzip(_) => "Gzip",
        })
    }
}

impl Coder {
    fn new(coding: Coding) -> Self {
        match coding {
            Coding::Br => {
                Self::Br(Box::new(CompressorWriter::new(Vec::new(), PART_BYTES, QUALITY, WINDOW)))
            }
            Coding::Gzip => {
                Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::default())))
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Br(writer) => writer.write_all(bytes),
            Self::Gzip(writer) => writer.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Br(writer) => writer.flush(),
            Self::Gzip(writer) => writer.flush(),
        }
    }

    fn written(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Br(writer) => writer.get_mut(),
            Self::Gzip(writer) => writer.get_mut(),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Br(writer) => Ok(writer.into_inner()),
            Self::Gzip(writer) => writer.finish(),
        }
    }
}

impl Coded {
    pub(crate) fn new(coding: Coding) -> Self {
        Self { coder: Some(Coder::new(coding)), waits: false, trailers: None }
    }

    /// Whether everything has gone out.
    pub(crate) const fn is_over(&self) -> bool {
        self.coder.is_none() && self.trailers.is_none()
    }

    /// The next part of the body.
    pub(crate) fn poll(
        &mut self,
        body: &mut UpstreamBody,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        loop {
            let Some(coder) = &mut self.coder else {
                return Poll::Ready(self.trailers.take().map(Ok));
            };
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Pending if self.waits => {
                    self.waits = false;
                    return Poll::Ready(Some(
                        coder.flush().map(|()| part(coder)).map_err(|error| failed(&error)),
                    ));
                }
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(why))) => return Poll::Ready(Some(Err(why))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        if let Err(error) = coder.feed(data.chunk()) {
                            return Poll::Ready(Some(Err(failed(&error))));
                        }
                        self.waits = true;
                        if coder.written().len() >= PART_BYTES {
                            return Poll::Ready(Some(Ok(part(coder))));
                        }
                    }
                    Err(trailers) => {
                        self.trailers = Some(trailers);
                        return Poll::Ready(self.end());
                    }
                },
                Poll::Ready(None) => return Poll::Ready(self.end()),
            }
        }
    }

    fn end(&mut self) -> Option<Result<Frame<Bytes>, Interrupted>> {
        let rest = self.coder.take()?.finish();
        Some(rest.map(|bytes| Frame::data(Bytes::from(bytes))).map_err(|error| failed(&error)))
    }
}

/// What was coded so far.
fn part(coder: &mut Coder) -> Frame<Bytes> {
    Frame::data(Bytes::from(std::mem::take(coder.written())))
}

fn failed(error: &io::Error) -> Interrupted {
    Interrupted(format!("it cannot be compressed: {error}"))
}
