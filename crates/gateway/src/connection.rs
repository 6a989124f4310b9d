//! How is one connection served? Its protocol is found, the guard of that protocol stands before
//! hyper, and every request goes to the worker; a stop ends it between requests.

use std::convert::Infallible;
use std::error::Error as _;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, StatusCode};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use portcullis_config::declaration::{Guards, Protocol};
use portcullis_core::receive::ServerName;
use portcullis_model::{ListenerId, Reason};
use portcullis_reading::http1::Bounds;
use portcullis_reading::http2::FrameBounds;
use portcullis_reading::violation::Violation;
use portcullis_transport::framed::FramedStream;
use portcullis_transport::guarded::{Deadlines, GuardedStream};
use portcullis_transport::preface;
use portcullis_transport::tls::{Accepted as Secured, Named};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::connections::Seat;
use crate::handshake::{self, Opened};
use crate::lifetime::Channel;
use crate::origin::{Origin, Wire};
use crate::proxied;
use crate::serve::Worker;
use crate::stalled::Stalls;
use crate::stop::{LINGER, Stop};

/// Longest time for a client to take any byte of its answer.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// How often answers over HTTP/2 are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Bytes of one request body that may be on their way before they are read, and of all.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Largest frame that may be sent to us; the least that may be allowed (RFC 9113 section 6.5.2).
const FRAME_BYTES_MAX: u32 = 16_384;

/// Bytes of one answer that wait in memory for the client.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Resets that the HTTP layer itself puts up with; the frame guard counts more closely.
const RESETS_MAX: usize = 64;

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) worker: Arc<Worker>,
    pub(crate) listener: ListenerId,
    pub(crate) peer: IpAddr,
    pub(crate) seat: Seat,
    pub(crate) stopped: watch::Receiver<Stop>,
}

impl Accepted {
    /// Serves it to its end.
    pub(crate) async fn serve(mut self, mut stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended before it began");
            return;
        }
        let (door, listener) = (&self.worker.door, &self.listener);
        let client = proxied::settle(door, listener, &mut stream, self.peer, &mut self.seat).await;
        let Some(client) = client else { return };
        self.peer = client;
        let open = self.worker.door.metrics.connections.clone();
        open.inc();
        let live = self.worker.door.live();
        let opened =
            handshake::open(&self.worker.door, &live, &self.listener, stream, client).await;
        let guards = live.snapshot().declaration.guards;
        let declared = live.snapshot().declaration.listeners.get(&self.listener);
        let protocols = declared.map(|one| one.protocols.clone()).unwrap_or_default();
        drop(live);
        let listener = self.listener.clone();
        let channel = Channel { listener, certificate: None, server_name: None };
        match opened {
            None => {}
            Some(Opened::Plain(stream)) => match spoken(&protocols, &stream, &guards).await {
                Some(Protocol::Http1) => self.http1(stream, channel, &guards).await,
                Some(Protocol::Http2) => self.http2(stream, channel, &guards).await,
                None => {}
            },
            Some(Opened::Secured(secured)) => {
                let Secured { stream, peer, protocol, named } = *secured;
                let name = |Named { asked, certificate }| ServerName { asked, certificate };
                let server_name = named.map(name).map(Arc::new);
                let channel = Channel { certificate: peer, server_name, ..channel };
                match agreed(&protocols, protocol.as_deref()) {
                    Some(Protocol::Http1) => Box::pin(self.http1(stream, channel, &guards)).await,
                    Some(Protocol::Http2) => Box::pin(self.http2(stream, channel, &guards)).await,
                    None => {}
                }
            }
        }
        open.dec();
    }

    async fn http1<S>(self, stream: S, channel: Channel, guards: &Guards)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bounds = bounds(guards);
        let guarded = GuardedStream::new(stream, bounds, deadlines(guards));
        let origin = self.origin(Wire::Http1(guarded.connection()), channel, bounds);
        let (worker, served_origin) = (Arc::clone(&self.worker), Arc::clone(&origin));
        let stopping = self.stopped.clone();
        let service = service_fn(move |request| {
            let (worker, origin) = (Arc::clone(&worker), Arc::clone(&served_origin));
            let stopping = stopping.clone();
            async move {
                let mut response = Box::pin(worker.serve(&origin, request)).await;
                let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
                if *stopping.borrow() != Stop::Serving && !switches {
                    let last = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, last);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let served = http1::Builder::new()
            .max_headers(usize::from(guards.headers_max).saturating_add(1))
            .serve_connection(TokioIo::new(guarded), service)
            .with_upgrades();
        let mut served = std::pin::pin!(served);
        let mut stopped = self.stopped;
        let stop = async move {
            let lingers = stopped.wait_for(|stop| *stop != Stop::Serving).await;
            if lingers.is_ok_and(|stop| *stop == Stop::Lingering) {
                sleep(LINGER).await;
            }
        };
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = stop => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
        if let Some(opened) = origin.take_tunnel() {
            opened.run().await;
        }
        drop(self.seat);
    }

    async fn http2<S>(self, stream: S, channel: Channel, guards: &Guards)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bounds = bounds(guards);
        let frames = FrameBounds { head_bytes_max: bounds.head_bytes_max };
        let framed = FramedStream::new(stream, frames, deadlines(guards));
        let stalls = Arc::new(Stalls::default());
        let wire = Wire::Http2(framed.framed(), Arc::clone(&stalls));
        let origin = self.origin(wire, channel, bounds);
        let (worker, served_origin) = (Arc::clone(&self.worker), Arc::clone(&origin));
        // what a request needs is allocated when its turn comes, not when it arrives: a client can
        // have many arrive at once, for a few bytes each
        let service = service_fn(move |request| {
            let (worker, origin) = (Arc::clone(&worker), Arc::clone(&served_origin));
            async move { Ok::<_, Infallible>(Box::pin(worker.serve(&origin, request)).await) }
        });
        let served = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(guards.streams_max)
            // twice our own bound, so that a head beyond ours is refused by us and recorded
            .max_header_list_size(guards.head_bytes_max.saturating_mul(2))
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .max_pending_accept_reset_streams(RESETS_MAX)
            .max_local_error_reset_streams(RESETS_MAX)
            .serve_connection(TokioIo::new(framed), service);
        let mut served = std::pin::pin!(served);
        let mut stopped = self.stopped;
        let (mut stopping, mut broken) = (false, None);
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended");
                        broken = violation(&error);
                    }
                    break;
                }
                _ = look.tick() => {
                    if stalls.has_longer_than(WRITE_DEADLINE) {
                        tracing::debug!("a connection is cut, its client takes no answer");
                        break;
                    }
                }
                _ = stopped.wait_for(|stop| *stop != Stop::Serving), if !stopping => {
                    stopping = true;
                    served.as_mut().graceful_shutdown();
                }
            }
        }
        if let Some(violation) = origin.wire.broken_body().or(broken) {
            self.worker.record_broken(&origin, violation).await;
        }
        drop(self.seat);
    }

    fn origin(&self, wire: Wire, channel: Channel, bounds: Bounds) -> Arc<Origin> {
        Arc::new(Origin {
            channel,
            peer: self.peer,
            wire,
            bounds,
            requests: AtomicU64::new(0),
            tunnel: Mutex::default(),
        })
    }
}

/// What a client speaks that could not negotiate it.
async fn spoken(protocols: &[Protocol], stream: &TcpStream, guards: &Guards) -> Option<Protocol> {
    if let [only] = protocols {
        return Some(*only);
    }
    match preface::is_http2(stream, guards.idle_timeout, guards.head_timeout).await {
        Ok(true) => Some(Protocol::Http2),
        Ok(false) => Some(Protocol::Http1),
        Err(error) => {
            tracing::debug!(%error, "a connection said nothing");
            None
        }
    }
}

/// What was agreed on in the handshake; a client that did not ask speaks HTTP/1.
fn agreed(protocols: &[Protocol], alpn: Option<&[u8]>) -> Option<Protocol> {
    let agreed = match alpn {
        Some(b"h2") => Protocol::Http2,
        Some(_) | None => Protocol::Http1,
    };
    protocols.contains(&agreed).then_some(agreed)
}

/// What the client did wrong, where the HTTP layer ended the connection for it.
fn violation(error: &hyper::Error) -> Option<Violation> {
    let ended = error.source()?.downcast_ref::<h2::Error>()?;
    if !ended.is_library() {
        return None;
    }
    let reason = match ended.reason()? {
        h2::Reason::NO_ERROR => return None,
        h2::Reason::ENHANCE_YOUR_CALM => Reason::FrameFlood,
        _ => Reason::MalformedFraming,
    };
    Some(Violation::new(reason, ended.to_string()))
}

fn bounds(guards: &Guards) -> Bounds {
    let size = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    Bounds {
        head_bytes_max: size(guards.head_bytes_max),
        headers_max: usize::from(guards.headers_max),
        target_bytes_max: size(guards.target_bytes_max),
    }
}

const fn deadlines(guards: &Guards) -> Deadlines {
    Deadlines { head: guards.head_timeout, idle: guards.idle_timeout, write: WRITE_DEADLINE }
}
