//! How is a challenge answered by HTTP (HTTP-01, RFC 8555 section 8.3)? At an address of its own, for as
//! long as an order is under way: what an authority asks for by its token, and nothing else to anybody.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections at once; more are closed.
const CONNECTIONS_MAX: usize = 32;

/// Longest life of a connection, which carries one request.
const DEADLINE: Duration = Duration::from_secs(5);

/// Where authorities ask.
const FOLDER: &str = "/.well-known/acme-challenge/";

/// Answers by token.
#[derive(Clone, Debug, Default)]
pub struct Told {
    answers: Arc<Mutex<HashMap<String, String>>>,
}

impl Told {
    /// Answers a token with a key authorization from now on.
    pub fn tell(&self, token: &str, answer: &str) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(token.to_owned(), answer.to_owned());
    }

    /// Answers at an address until the future is dropped.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn answer(&self, address: SocketAddr) -> io::Result<Infallible> {
        let listener = TcpListener::bind(address).await?;
        let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut open = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await?;
            while open.try_join_next().is_some() {}
            if let Ok(seat) = Arc::clone(&seats).try_acquire_owned() {
                let told = self.clone();
                open.spawn(async move {
                    if timeout(DEADLINE, told.connection(stream)).await.is_err() {
                        tracing::debug!("whoever looked at a challenge took too long");
                    }
                    drop(seat);
                });
            }
        }
    }

    async fn connection(self, stream: TcpStream) {
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = self.find(&request);
            async move { Ok::<_, Infallible>(said(answer)) }
        });
        let served =
            http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
        if let Err(error) = served.await {
            tracing::debug!(%error, "nobody looked at a challenge");
        }
    }

    fn find<B>(&self, request: &Request<B>) -> Option<String> {
        let token = request.uri().path().strip_prefix(FOLDER)?;
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(token).filter(|_| request.method() == Method::GET).cloned()
    }
}

fn said(answer: Option<String>) -> Response<Full<Bytes>> {
    let status = if answer.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = Response::new(Full::new(Bytes::from(answer.unwrap_or_default())));
    *response.status_mut() = status;
    response
}
