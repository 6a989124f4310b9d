//! What does the running gateway answer its operators? A client of its admin socket, and of its admin
//! address, for the verbs that ask it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use portcullis_transport::call::Caller;
use portcullis_transport::fetch::FetchRules;
use portcullis_transport::upstream::tls::{Material, Tls};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Longest wait for an answer; a reload of a large estate takes a while.
const PATIENCE: Duration = Duration::from_secs(30);

/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// What an error of TLS comes from, by a word of it.
const MEANT: [(&str, &str); 4] = [
    (
        "CaUsedAsEndEntity",
        "the gateway shows a certificate that is itself an authority; give it one that an authority has issued for its DNS name",
    ),
    (
        "UnknownIssuer",
        "no authority in `--ca` vouches for the gateway's certificate; `--ca` is who issued that one, not who issued yours",
    ),
    (
        "AccessDenied",
        "the gateway has no certificate for this name or address; ask by a DNS name of its certificate",
    ),
    ("KeyMismatch", "`--key` is not the key of `--cert`"),
];

/// Where to ask.
#[derive(Debug)]
pub(crate) enum Door {
    /// At a socket.
    Socket(PathBuf),
    /// At an address, such as `https://gateway.example:9443`, with a certificate.
    Remote { url: String, caller: Caller },
}

/// How it was answered, and what was said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) said: String,
}

impl Door {
    /// An address, with a certificate and its key, and who may vouch for the gateway; all in PEM.
    pub(crate) fn remote(url: &str, certificate: &[u8], key: &[u8], roots: &[u8]) -> Result<Self> {
        let url = url.trim_end_matches('/');
        if !url.starts_with("https://") {
            bail!("`{url}` does not begin with `https://`");
        }
        let material = Material {
            roots: Some(roots.to_vec()),
            certificate: Some(certificate.to_vec()),
            key: Some(key.to_vec()),
            ..Material::default()
        };
        let rules = FetchRules {
            // whoever runs the command says where it connects to
            allow_addresses: vec!["0.0.0.0/0".parse()?, "::/0".parse()?],
            deadline: PATIENCE,
            bytes_max: ANSWER_BYTES_MAX,
        };
        let caller =
            Caller::with_tls(rules, &Tls::new(&material).map_err(|error| plain(error.into()))?);
        Ok(Self::Remote { url: url.to_owned(), caller })
    }
}

/// Asks.
///
/// # Errors
/// When nobody answers in time.
pub(crate) fn ask(door: &Door, method: &Method, path: &str) -> Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (place, asked) = match door {
        Door::Socket(socket) => {
            let asked = async { timeout(PATIENCE, at_socket(socket, method, path)).await };
            (socket.display().to_string(), runtime.block_on(asked))
        }
        Door::Remote { url, caller } => {
            let asked = async { timeout(PATIENCE, remotely(url, caller, method, path)).await };
            (url.clone(), runtime.block_on(asked))
        }
    };
    match asked {
        Ok(answered) => answered.with_context(|| format!("`{place}`")),
        Err(_) => bail!("`{place}`: no answer within {PATIENCE:?}"),
    }
}

async fn at_socket(socket: &Path, method: &Method, path: &str) -> Result<Answer> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "admin");
    let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    driver.abort();
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    Ok(Answer { status, said: String::from_utf8_lossy(&body).into_owned() })
}

async fn remotely(url: &str, caller: &Caller, method: &Method, path: &str) -> Result<Answer> {
    let request = Request::builder().method(method).uri(format!("{url}{path}"));
    let request = request.body(Empty::<Bytes>::new())?;
    let response = caller.clone().call(request).await.map_err(|error| plain(error.into()))?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer { status, said: String::from_utf8_lossy(&body).into_owned() })
}

/// The same error, with what it comes from before it where that is known.
fn plain(error: anyhow::Error) -> anyhow::Error {
    let said = format!("{error:#}");
    match MEANT.iter().find(|(known, _)| said.contains(known)) {
        Some((_, meant)) => error.context(*meant),
        None => error,
    }
}
