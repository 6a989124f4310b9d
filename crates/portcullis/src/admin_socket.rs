//! What does the running gateway answer? A client of its admin socket, for the verbs that ask it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Whether it was answered with success, and what was said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) ok: bool,
    pub(crate) said: String,
}

/// Asks with `GET`.
///
/// # Errors
/// When nobody answers in time.
pub(crate) fn ask(socket: &Path, path: &str) -> Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = async { timeout(PATIENCE, exchange(socket, path)).await };
    match runtime.block_on(asked) {
        Ok(answered) => answered.with_context(|| format!("`{}`", socket.display())),
        Err(_) => bail!("`{}`: no answer within {PATIENCE:?}", socket.display()),
    }
}

async fn exchange(socket: &Path, path: &str) -> Result<Answer> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::get(path).header("host", "admin").body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let ok = response.status().is_success();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    driver.abort();
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    Ok(Answer { ok, said: String::from_utf8_lossy(&body).into_owned() })
}
