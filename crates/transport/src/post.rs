//! How is something handed to a collector? By `POST` over one connection that is kept, under the
//! rules of [`crate::fetch`]: the resolved address is judged and connected to, redirects are not
//! followed, and size and time are bounded.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::fetch::{FetchError, FetchRules, collect, connector, error, resolve};

/// Somebody to hand things to.
#[derive(Debug)]
pub struct Courier {
    endpoint: Uri,
    headers: HeaderMap,
    rules: FetchRules,
    /// Trusts what is declared; the public certificates where nothing is.
    tls: Option<Arc<rustls::ClientConfig>>,
    line: Option<SendRequest<Full<Bytes>>>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// After how long to try again, where it says so in seconds (RFC 9110 section 10.2.3).
    pub retry_after: Option<Duration>,
    /// The body, to the bound of the rules.
    pub body: Bytes,
}

impl Courier {
    /// A courier to an endpoint; nothing is connected to yet. `headers` go with everything.
    /// `roots` is a PEM file of certificates; the public ones count where there is none.
    ///
    /// # Errors
    /// When the endpoint or the certificates cannot be read.
    pub fn new(
        endpoint: &str,
        headers: HeaderMap,
        rules: FetchRules,
        roots: Option<&Path>,
    ) -> Result<Self, FetchError> {
        let endpoint = endpoint.parse().map_err(|_| error("the endpoint cannot be read"))?;
        let tls = roots.map(trusting).transpose()?;
        Ok(Self { endpoint, headers, rules, tls, line: None })
    }

    /// Hands something over at a path below the endpoint.
    ///
    /// # Errors
    /// When there was no answer, or none within the bounds.
    pub async fn post(
        &mut self,
        path: &str,
        kind: &'static str,
        body: Bytes,
    ) -> Result<Answer, FetchError> {
        let deadline = self.rules.deadline;
        let posted = timeout(deadline, self.within_deadline(path, kind, body)).await;
        posted.unwrap_or_else(|_| Err(error(format!("it took longer than {deadline:?}"))))
    }

    async fn within_deadline(
        &mut self,
        path: &str,
        kind: &'static str,
        body: Bytes,
    ) -> Result<Answer, FetchError> {
        // taken: whatever fails below leaves no connection behind
        let waiting = self.line.take().filter(|line| !line.is_closed());
        let mut line = match waiting {
            Some(line) => line,
            None => self.connect().await?,
        };
        line.ready().await.map_err(|failed| error(failed.to_string()))?;
        let response = line
            .send_request(self.request(path, kind, body)?)
            .await
            .map_err(|failed| error(failed.to_string()))?;
        let (parts, incoming) = response.into_parts();
        let body = collect(incoming, self.rules.bytes_max).await?;
        self.line = Some(line);
        let seconds = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = seconds.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        Ok(Answer { status: parts.status, retry_after, body })
    }

    fn request(
        &self,
        path: &str,
        kind: &'static str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, FetchError> {
        let base = self.endpoint.path().trim_end_matches('/');
        let authority = self.endpoint.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::post(format!("{base}{path}"))
            .header(HOST, authority)
            .header(CONTENT_TYPE, HeaderValue::from_static(kind))
            .header(USER_AGENT, "portcullis")
            .body(Full::new(body))
            .map_err(|failed| error(failed.to_string()))?;
        request.headers_mut().extend(self.headers.clone());
        Ok(request)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, FetchError> {
        let host = self.endpoint.host().ok_or_else(|| error("the endpoint has no host"))?;
        let bare = host.trim_matches(['[', ']']);
        let secure = self.endpoint.scheme_str() == Some("https");
        let port = self.endpoint.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let address = resolve(bare, port, secure, &self.rules).await?;
        let stream =
            TcpStream::connect(address).await.map_err(|failed| error(failed.to_string()))?;
        if !secure {
            return handshake(stream).await;
        }
        let name =
            ServerName::try_from(bare.to_owned()).map_err(|failed| error(failed.to_string()))?;
        let tls = self.tls.clone().map_or_else(connector, TlsConnector::from);
        let stream = tls.connect(name, stream).await;
        handshake(stream.map_err(|failed| error(failed.to_string()))?).await
    }
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (line, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|failed| error(failed.to_string()))?;
    tokio::spawn(async move {
        if let Err(failed) = connection.await {
            tracing::debug!(%failed, "the connection to a collector ended");
        }
    });
    Ok(line)
}

fn trusting(file: &Path) -> Result<Arc<rustls::ClientConfig>, FetchError> {
    let unreadable = |why: String| error(format!("certificates of `{}`: {why}", file.display()));
    let mut roots = rustls::RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(file).map_err(|e| unreadable(e.to_string()))?;
    for certificate in found {
        let certificate = certificate.map_err(|e| unreadable(e.to_string()))?;
        roots.add(certificate).map_err(|e| unreadable(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("there is none".to_owned()));
    }
    let config =
        rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}
