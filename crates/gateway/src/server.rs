//! How are connections taken in, and how does it stop? One thread per worker, each with a runtime
//! of its own; a stop ends what is idle at once and gives the rest a while.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portcullis_model::ListenerId;
use portcullis_reading::http1::Bounds;
use portcullis_transport::guarded::{Deadlines, GuardedStream};
use portcullis_transport::listen;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connections::{Connections, Seat};
use crate::door::Door;
use crate::serve::{Origin, Worker};

/// How long requests under way may take after a stop.
const GRACE: Duration = Duration::from_secs(10);

/// After a failed accept (no file descriptors left), wait this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Longest time for a client to take any byte of its answer.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// A gateway that listens.
#[derive(Debug)]
pub struct Running {
    /// Where, port 0 resolved.
    pub addresses: BTreeMap<ListenerId, SocketAddr>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Stops taking connections, lets requests under way end, and waits for it.
    pub fn stop(self) {
        // without receivers every worker has ended already
        self.stop.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker ended by a panic");
            }
        }
    }
}

/// Binds every listener of the declaration and starts the workers.
///
/// # Errors
/// When an address cannot be bound or a thread cannot be started; then nothing listens.
pub fn start(door: &Arc<Door>, workers: usize) -> io::Result<Running> {
    let declaration = &door.driver.snapshot().declaration;
    let guards = &declaration.guards;
    let connections = Connections::new(guards.connections_max, guards.connections_per_address_max);
    for (id, listener) in &declaration.listeners {
        listen::is_free(listener.address).map_err(|error| {
            let place = format!("listener `{id}` on {}", listener.address);
            io::Error::new(error.kind(), format!("{place}: {error}"))
        })?;
    }
    let mut addresses = BTreeMap::new();
    let mut sockets: Vec<Vec<(ListenerId, std::net::TcpListener)>> = Vec::new();
    for _ in 0..workers.max(1) {
        let mut mine = Vec::new();
        for (id, listener) in &declaration.listeners {
            let address = addresses.get(id).copied().unwrap_or(listener.address);
            let socket = listen::bind(address).map_err(|error| {
                io::Error::new(error.kind(), format!("listener `{id}` on {address}: {error}"))
            })?;
            addresses.insert(id.clone(), socket.local_addr()?);
            mine.push((id.clone(), socket));
        }
        sockets.push(mine);
    }
    let (stop, stopped) = watch::channel(false);
    let mut threads = Vec::new();
    for (number, mine) in sockets.into_iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (door, connections, stopped) =
            (Arc::clone(door), Arc::clone(&connections), stopped.clone());
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || runtime.block_on(work(door, mine, connections, stopped)))?;
        threads.push(thread);
    }
    Ok(Running { addresses, stop, threads })
}

async fn work(
    door: Arc<Door>,
    sockets: Vec<(ListenerId, std::net::TcpListener)>,
    connections: Arc<Connections>,
    stopped: watch::Receiver<bool>,
) {
    let pools = door.upstreams.pools(&BTreeMap::new());
    let worker = Arc::new(Worker { door, pools });
    let mut listeners = JoinSet::new();
    for (id, socket) in sockets {
        match TcpListener::from_std(socket) {
            Ok(socket) => {
                let (worker, connections) = (Arc::clone(&worker), Arc::clone(&connections));
                listeners.spawn(accept(worker, id, socket, connections, stopped.clone()));
            }
            Err(error) => tracing::error!(listener = %id, %error, "the listener cannot be used"),
        }
    }
    while listeners.join_next().await.is_some() {}
}

async fn accept(
    worker: Arc<Worker>,
    id: ListenerId,
    socket: TcpListener,
    connections: Arc<Connections>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(_) = open.join_next() => continue,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((stream, peer)) => match connections.enter(peer.ip()) {
                Some(seat) => {
                    // over a listener of both families an IPv4 peer is an IPv4 peer
                    let peer = peer.ip().to_canonical();
                    let worker = Arc::clone(&worker);
                    open.spawn(connection(worker, id.clone(), stream, peer, seat, stopped.clone()));
                }
                None => {
                    worker.door.metrics.connections_refused.inc();
                }
            },
            Err(error) => {
                tracing::warn!(listener = %id, %error, "a connection cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(socket);
    let all = async { while open.join_next().await.is_some() {} };
    if timeout(GRACE, all).await.is_err() {
        tracing::warn!(listener = %id, "connections are cut, their requests took too long");
    }
}

async fn connection(
    worker: Arc<Worker>,
    listener: ListenerId,
    stream: TcpStream,
    peer: IpAddr,
    seat: Seat,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before it began");
        return;
    }
    let connections = worker.door.metrics.connections.clone();
    connections.inc();
    let guarded = guarded(&worker, stream);
    let headers_max = worker.door.driver.snapshot().declaration.guards.headers_max;
    let origin = Arc::new(Origin {
        listener,
        peer,
        connection: guarded.connection(),
        requests: AtomicU64::new(0),
    });
    let service = service_fn(move |request| {
        let (worker, origin) = (Arc::clone(&worker), Arc::clone(&origin));
        async move { Ok::<_, std::convert::Infallible>(worker.serve(&origin, request).await) }
    });
    let served = http1::Builder::new()
        .max_headers(usize::from(headers_max).saturating_add(1))
        .serve_connection(TokioIo::new(guarded), service);
    let mut served = std::pin::pin!(served);
    let stop = async move { stopped.wait_for(|stopped| *stopped).await.is_ok() };
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        _ = stop => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
    connections.dec();
    drop(seat);
}

fn guarded(worker: &Worker, stream: TcpStream) -> GuardedStream<TcpStream> {
    let guards = &worker.door.driver.snapshot().declaration.guards;
    let size = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    let bounds = Bounds {
        head_bytes_max: size(guards.head_bytes_max),
        headers_max: usize::from(guards.headers_max),
        target_bytes_max: size(guards.target_bytes_max),
    };
    let deadlines =
        Deadlines { head: guards.head_timeout, idle: guards.idle_timeout, write: WRITE_DEADLINE };
    GuardedStream::new(stream, bounds, deadlines)
}
