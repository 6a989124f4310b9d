//! How are connections taken in, and how does it stop? One thread per worker, each with a runtime
//! of its own; a stop ends what is idle at once and gives the rest a while.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use portcullis_config::Declaration;
use portcullis_config::declaration::{Listener, Protocol, ProxyProtocol};
use portcullis_model::ListenerId;
use portcullis_transport::listen;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connection::Accepted;
use crate::connections::Connections;
use crate::door::Door;
use crate::handover::Inherited;
use crate::pools::Pools;
use crate::serve::Worker;
use crate::stop::Stop;

/// How long requests under way may take after a stop.
const GRACE: Duration = Duration::from_secs(10);

/// After a failed accept (no file descriptors left), wait this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A gateway that listens.
#[derive(Debug)]
pub struct Running {
    door: Arc<Door>,
    connections: Arc<Connections>,
    listening: BTreeMap<ListenerId, Listening>,
    workers: Vec<UnboundedSender<Socket>>,
    threads: Vec<JoinHandle<()>>,
}

/// One listener, over all workers.
#[derive(Debug)]
struct Listening {
    declared: SocketAddr,
    entry: Entry,
    address: SocketAddr,
    stop: watch::Sender<Stop>,
    /// The same sockets, for whoever takes over.
    sockets: Vec<std::net::TcpListener>,
}

/// What a connection was judged by when it was let in. Where a reload changes it, connections that
/// were let in otherwise end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    tls: bool,
    certificate_required: bool,
    protocols: Vec<Protocol>,
    proxies: Option<ProxyProtocol>,
}

impl Entry {
    fn of(listener: &Listener) -> Self {
        let client = listener.tls.as_ref().and_then(|tls| tls.client.as_ref());
        Self {
            tls: listener.tls.is_some(),
            certificate_required: client.is_some_and(|client| client.required),
            protocols: listener.protocols.clone(),
            proxies: listener.proxy_protocol.clone(),
        }
    }
}

/// One listener's socket on its way to a worker.
#[derive(Debug)]
struct Socket {
    id: ListenerId,
    socket: std::net::TcpListener,
    stopped: watch::Receiver<Stop>,
}

/// Listeners that are bound and do not accept yet.
#[derive(Debug)]
pub struct Bound {
    fresh: BTreeMap<ListenerId, (Listening, Vec<Socket>)>,
}

impl Running {
    /// Where it listens, port 0 resolved.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<ListenerId, SocketAddr> {
        self.listening.iter().map(|(id, listening)| (id.clone(), listening.address)).collect()
    }

    /// Binds what a declaration has and this gateway has not.
    ///
    /// # Errors
    /// When an address cannot be bound; then nothing has changed.
    pub fn bind(&self, declaration: &Declaration) -> io::Result<Bound> {
        self.bind_with(declaration, Vec::new())
    }

    /// The same with sockets that listened in another process.
    fn bind_with(
        &self,
        declaration: &Declaration,
        mut inherited: Vec<Inherited>,
    ) -> io::Result<Bound> {
        let mut fresh = BTreeMap::new();
        for (id, listener) in &declaration.listeners {
            let known = self.listening.get(id).filter(|one| one.declared == listener.address);
            if known.is_some_and(|known| known.entry == Entry::of(listener)) {
                continue;
            }
            let mine: io::Result<Vec<_>> = match known {
                // the same sockets: what waits in them is accepted, by other rules
                Some(known) => known.sockets.iter().map(std::net::TcpListener::try_clone).collect(),
                None => Ok(inherited
                    .extract_if(.., |one| one.listener == *id && one.declared == listener.address)
                    .map(|one| one.socket)
                    .collect()),
            };
            let bound = mine.and_then(|mine| bind(id, listener, self.workers.len(), mine));
            let bound = bound.map_err(|error| {
                let place = format!("listener `{id}` on {}", listener.address);
                io::Error::new(error.kind(), format!("{place}: {error}"))
            })?;
            fresh.insert(id.clone(), bound);
        }
        Ok(Bound { fresh })
    }

    /// Accepts on what was bound, and nowhere that the declaration does not name any more.
    /// Connections of a listener that goes end as at a stop.
    pub fn listen(&mut self, bound: Bound, declaration: &Declaration) {
        let guards = &declaration.guards;
        self.connections.set_bounds(guards.connections_max, guards.connections_per_address_max);
        for (id, (listening, sockets)) in bound.fresh {
            for (worker, socket) in self.workers.iter().cycle().zip(sockets) {
                if worker.send(socket).is_err() {
                    tracing::error!(listener = %id, "a worker has ended and cannot listen");
                }
            }
            if let Some(earlier) = self.listening.insert(id, listening) {
                earlier.stop.send_replace(Stop::Now);
            }
        }
        self.listening.retain(|id, listening| {
            let stays = declaration.listeners.contains_key(id);
            if !stays {
                listening.stop.send_replace(Stop::Now);
            }
            stays
        });
    }

    /// The door that it serves.
    #[must_use]
    pub const fn door(&self) -> &Arc<Door> {
        &self.door
    }

    /// Its sockets, for a process that takes over.
    ///
    /// # Errors
    /// When no file descriptors are left.
    pub fn sockets(&self) -> io::Result<Vec<Inherited>> {
        let mut sockets = Vec::new();
        for (id, listening) in &self.listening {
            for socket in &listening.sockets {
                let (listener, declared) = (id.clone(), listening.declared);
                sockets.push(Inherited { listener, declared, socket: socket.try_clone()? });
            }
        }
        Ok(sockets)
    }

    /// Stops taking connections, lets requests under way end, and waits for it.
    pub fn stop(self) {
        self.end(Stop::Now);
    }

    /// The same where another process takes connections now: kept ones are told with their next
    /// answer, so that no client sends a request that nobody takes.
    pub fn retire(self) {
        self.end(Stop::Lingering);
    }

    fn end(self, how: Stop) {
        for listening in self.listening.into_values() {
            // without receivers every worker has ended already
            listening.stop.send_replace(how);
        }
        drop(self.workers);
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
pub fn start(door: &Arc<Door>, workers: usize, inherited: Vec<Inherited>) -> io::Result<Running> {
    let live = door.live();
    let declaration = &live.snapshot().declaration;
    let guards = &declaration.guards;
    let connections = Connections::new(guards.connections_max, guards.connections_per_address_max);
    let mut running = Running {
        door: Arc::clone(door),
        connections,
        listening: BTreeMap::new(),
        workers: Vec::new(),
        threads: Vec::new(),
    };
    for number in 0..workers.max(1) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, sockets) = unbounded_channel();
        let (door, connections) = (Arc::clone(door), Arc::clone(&running.connections));
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || runtime.block_on(work(door, sockets, connections)))?;
        running.workers.push(sender);
        running.threads.push(thread);
    }
    let bound = running.bind_with(declaration, inherited)?;
    running.listen(bound, declaration);
    Ok(running)
}

/// One socket per worker on one address. Of those that were inherited, each is served: in each,
/// connections may be waiting.
fn bind(
    id: &ListenerId,
    listener: &Listener,
    workers: usize,
    inherited: Vec<std::net::TcpListener>,
) -> io::Result<(Listening, Vec<Socket>)> {
    let (stop, stopped) = watch::channel(Stop::Serving);
    let (declared, entry) = (listener.address, Entry::of(listener));
    let mut address = declared;
    let mut mine = inherited;
    match mine.first() {
        Some(first) => address = first.local_addr()?,
        None => listen::is_free(declared)?,
    }
    while mine.len() < workers {
        let socket = listen::bind(address)?;
        address = socket.local_addr()?;
        mine.push(socket);
    }
    let mut sockets = Vec::new();
    for socket in &mine {
        let socket = socket.try_clone()?;
        sockets.push(Socket { id: id.clone(), socket, stopped: stopped.clone() });
    }
    Ok((Listening { declared, entry, address, stop, sockets: mine }, sockets))
}

async fn work(
    door: Arc<Door>,
    mut sockets: UnboundedReceiver<Socket>,
    connections: Arc<Connections>,
) {
    let worker = Arc::new(Worker { door, pools: Pools::default() });
    let mut listeners = JoinSet::new();
    while let Some(Socket { id, socket, stopped }) = sockets.recv().await {
        match TcpListener::from_std(socket) {
            Ok(socket) => {
                let (worker, connections) = (Arc::clone(&worker), Arc::clone(&connections));
                listeners.spawn(accept(worker, id, socket, connections, stopped));
            }
            Err(error) => tracing::error!(listener = %id, %error, "the listener cannot be used"),
        }
        while listeners.try_join_next().is_some() {}
    }
    while listeners.join_next().await.is_some() {}
}

async fn accept(
    worker: Arc<Worker>,
    id: ListenerId,
    socket: TcpListener,
    connections: Arc<Connections>,
    mut stopped: watch::Receiver<Stop>,
) {
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(_) = open.join_next() => continue,
            _ = stopped.wait_for(|stop| *stop != Stop::Serving) => break,
        };
        match accepted {
            Ok((stream, peer)) => match connections.enter(peer.ip()) {
                Some(seat) => {
                    // over a listener of both families an IPv4 peer is an IPv4 peer
                    let peer = peer.ip().to_canonical();
                    let worker = Arc::clone(&worker);
                    let (listener, stopped) = (id.clone(), stopped.clone());
                    let accepted = Accepted { worker, listener, peer, seat, stopped };
                    open.spawn(accepted.serve(stream));
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
