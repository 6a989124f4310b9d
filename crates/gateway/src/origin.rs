//! Where do requests of one connection come from, and what is known of it besides them?

use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_reading::http1::Bounds;
use portcullis_reading::violation::Violation;
use portcullis_transport::framed::Framed;
use portcullis_transport::guarded::Connection;

use crate::lifetime::Channel;
use crate::stalled::{Mark, Stalls};
use crate::tunnel::Opened;

/// Where requests of one connection come from.
#[derive(Debug)]
pub struct Origin {
    /// The connection itself.
    pub channel: Channel,
    /// Its other end.
    pub peer: IpAddr,
    /// What the guarded stream says.
    pub wire: Wire,
    /// Bounds of heads.
    pub bounds: Bounds,
    /// Requests so far.
    pub requests: AtomicU64,
    /// The WebSocket that it goes on as.
    pub tunnel: Mutex<Option<Box<Opened>>>,
}

impl Origin {
    /// Keeps a WebSocket that begins when its answer is sent.
    pub fn keep(&self, opened: Opened) {
        *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(opened));
    }

    /// The WebSocket that the connection goes on as, if it does.
    #[must_use]
    pub fn take_tunnel(&self) -> Option<Box<Opened>> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The guarded stream below the HTTP layer.
#[derive(Clone, Debug)]
pub enum Wire {
    /// One request at a time.
    Http1(Arc<Connection>),
    /// Many at once.
    Http2(Arc<Framed>, Arc<Stalls>),
}

/// A request that has begun on a connection that can have many: where its client cancels it before
/// there is an answer, it is over all the same, and no longer keeps the connection from being idle.
#[derive(Debug)]
pub struct Begun(Option<Wire>);

impl Begun {
    /// A request begins.
    #[must_use]
    pub fn new(wire: &Wire) -> Self {
        wire.begun();
        Self(matches!(wire, Wire::Http2(..)).then(|| wire.clone()))
    }

    /// Whoever answered it has said so, or will.
    pub fn was_answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(wire) = self.0.take() {
            wire.answered();
        }
    }
}

impl Wire {
    /// The violation in the place of the request of this number (from 1), if it is one. Over HTTP/2
    /// the connection has ended then, and there is no place for an answer.
    #[must_use]
    pub fn refused_head(&self, number: u64) -> Option<Violation> {
        match self {
            Self::Http1(connection) => connection.refused_head(number),
            Self::Http2(..) => None,
        }
    }

    /// Why a body broke off, where its framing was the reason.
    #[must_use]
    pub fn broken_body(&self) -> Option<Violation> {
        match self {
            Self::Http1(connection) => connection.broken_body(),
            Self::Http2(framed, _) => framed.broken(),
        }
    }

    /// Says that a request has begun.
    pub fn begun(&self) {
        if let Self::Http2(framed, _) = self {
            framed.begun();
        }
    }

    /// Says that the connection goes on as something else than HTTP.
    pub fn switch(&self) {
        if let Self::Http1(connection) = self {
            connection.switch();
        }
    }

    /// Says that one more request has been answered.
    pub fn answered(&self) {
        match self {
            Self::Http1(connection) => connection.answered(),
            Self::Http2(framed, _) => framed.answered(),
        }
    }

    /// Whether a body that was not read leaves bytes between this request and the next one.
    #[must_use]
    pub const fn is_serial(&self) -> bool {
        matches!(self, Self::Http1(_))
    }

    /// Watches that an answer is taken, where the stream alone cannot see it.
    #[must_use]
    pub fn watched(&self) -> Option<Arc<Mark>> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(_, stalls) => Some(stalls.watch()),
        }
    }
}
