//! How is a service called that the declaration names, with a body and any answer? By the rules of
//! [`crate::fetch`]: one resolution, an address that is allowed, no redirects, bounds on size and time.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, HeaderValue, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::fetch::{FetchError, FetchRules, collect, error, resolve};
use crate::upstream::tls::Tls;

/// How a service is called.
#[derive(Clone, Debug)]
pub struct Caller {
    config: Arc<ClientConfig>,
    rules: Arc<FetchRules>,
}

impl Caller {
    /// Calls by these rules. Without roots, public ones verify the service.
    ///
    /// # Errors
    /// When a root cannot be used.
    pub fn new(
        rules: FetchRules,
        roots: Option<&[CertificateDer<'_>]>,
    ) -> Result<Self, FetchError> {
        let mut store = rustls::RootCertStore::empty();
        match roots {
            None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(roots) => {
                for root in roots {
                    let root = root.clone().into_owned();
                    store.add(root).map_err(|failed| error(failed.to_string()))?;
                }
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|failed| error(failed.to_string()))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), rules: Arc::new(rules) })
    }

    /// Calls by these rules, and proves and verifies by this TLS.
    #[must_use]
    pub fn with_tls(rules: FetchRules, tls: &Tls) -> Self {
        Self { config: tls.config(), rules: Arc::new(rules) }
    }

    /// Calls; the URI of the request is the whole one.
    ///
    /// # Errors
    /// Says which of the rules it broke, or what failed on the way.
    pub async fn call<B>(self, request: Request<B>) -> Result<Response<Full<Bytes>>, FetchError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        let deadline = self.rules.deadline;
        timeout(deadline, self.within_deadline(request))
            .await
            .unwrap_or_else(|_| Err(error(format!("it took longer than {deadline:?}"))))
    }

    async fn within_deadline<B>(
        self,
        mut request: Request<B>,
    ) -> Result<Response<Full<Bytes>>, FetchError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        let failed = |failed: &dyn std::fmt::Display| error(failed.to_string());
        let url = request.uri().clone();
        let (Some(authority), Some(host)) = (url.authority(), url.host()) else {
            return Err(error("the URL has no host"));
        };
        let secure = url.scheme_str() == Some("https");
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let bare = host.trim_matches(['[', ']']);
        let named = HeaderValue::from_str(authority.as_str()).map_err(|one| failed(&one))?;
        request.headers_mut().insert(HOST, named);
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("portcullis"));
        let target = url.path_and_query().map_or("/", |both| both.as_str());
        *request.uri_mut() = target.parse::<Uri>().map_err(|one| failed(&one))?;
        let address = resolve(bare, port, secure, &self.rules).await?;
        let stream = TcpStream::connect(address).await.map_err(|one| failed(&one))?;
        if !secure {
            return exchange(stream, request, &self.rules).await;
        }
        let name = ServerName::try_from(bare.to_owned()).map_err(|one| failed(&one))?;
        let connector = TlsConnector::from(self.config);
        let stream = connector.connect(name, stream).await.map_err(|one| failed(&one))?;
        exchange(stream, request, &self.rules).await
    }
}

async fn exchange<S, B>(
    stream: S,
    request: Request<B>,
    rules: &FetchRules,
) -> Result<Response<Full<Bytes>>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|failed| error(failed.to_string()))?;
    let driver = tokio::spawn(connection);
    let read = async {
        let answered = sender.send_request(request).await;
        let (parts, body) = answered.map_err(|failed| error(failed.to_string()))?.into_parts();
        let body = collect(body, rules.bytes_max).await?;
        Ok(Response::from_parts(parts, Full::new(body)))
    };
    let read = read.await;
    driver.abort();
    read
}
