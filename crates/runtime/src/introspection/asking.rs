//! How is an issuer asked about a token? By `POST` of a form, with our own credential (RFC 7662 section
//! 2.1); whatever is not exactly an answer is none.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use portcullis_config::declaration::{ClientAuth, IntrospectionProvider};
use portcullis_core::facts::TokenStatus;
use portcullis_identity::introspection::{self, ANSWER_BYTES_MAX, OpaqueToken};
use portcullis_model::{ProviderId, Timestamp};
use portcullis_transport::call::Caller;
use portcullis_transport::fetch::FetchRules;
use portcullis_transport::upstream::tls::{Material, MinVersion, Protocol, Tls};

use super::assertion::Signer;
use crate::secrets;

/// Type of an assertion of a client (RFC 7523 section 2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who is asked, and as whom.
pub(super) struct Asking {
    provider: ProviderId,
    endpoint: String,
    client_id: String,
    auth: Auth,
    caller: Caller,
    made_of: Vec<u8>,
}

enum Auth {
    Certificate,
    Password(HeaderValue),
    Signed(Signer),
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Two are the same if they are made of the same secrets and files.
impl PartialEq for Asking {
    fn eq(&self, other: &Self) -> bool {
        self.made_of == other.made_of
    }
}

impl Asking {
    /// Reads our credential and the roots.
    pub(super) fn open(
        id: &ProviderId,
        declared: &IntrospectionProvider,
        folder: &Path,
    ) -> Result<Self, String> {
        let file = |path: &String| {
            std::fs::read(folder.join(path)).map_err(|error| format!("file `{path}`: {error}"))
        };
        let mut material = Material {
            roots: declared.roots.as_ref().map(file).transpose()?,
            min_version: MinVersion::Tls12,
            protocol: Protocol::Http1,
            ..Material::default()
        };
        let mut secret = Vec::new();
        let auth = match &declared.auth {
            ClientAuth::Certificate(client) => {
                material.certificate = Some(file(&client.certificate)?);
                material.key = Some(secrets::resolve(&client.key, folder)?);
                Auth::Certificate
            }
            ClientAuth::PrivateKeyJwt { key, algorithm, kid, audience } => {
                secret = secrets::resolve(key, folder)?;
                let client_id = &declared.client_id;
                Auth::Signed(Signer::new(&secret, *algorithm, kid.as_deref(), client_id, audience)?)
            }
            ClientAuth::Secret(reference) => {
                secret = secrets::resolve(reference, folder)?;
                Auth::Password(password(&declared.client_id, &secret)?)
            }
        };
        let tls = Tls::new(&material).map_err(|error| error.to_string())?;
        let rules = FetchRules {
            allow_addresses: declared.allow_addresses.clone(),
            deadline: declared.deadline,
            bytes_max: ANSWER_BYTES_MAX,
        };
        let parts = [material.roots, material.certificate, material.key, Some(secret)];
        let digests = parts.iter().map(|part| digest(&SHA256, part.as_deref().unwrap_or_default()));
        Ok(Self {
            provider: id.clone(),
            endpoint: declared.endpoint.clone(),
            client_id: declared.client_id.clone(),
            auth,
            caller: Caller::with_tls(rules, &tls),
            made_of: digests.flat_map(|one| one.as_ref().to_vec()).collect(),
        })
    }

    /// Asks.
    pub(super) async fn ask(&self, token: &OpaqueToken, now: Timestamp) -> TokenStatus {
        let provider = &self.provider;
        let answered = match self.request(token, now) {
            Ok(request) => self.caller.clone().call(request).await.map_err(|one| one.to_string()),
            Err(why) => Err(why),
        };
        let response = match answered {
            Ok(response) if response.status() == StatusCode::OK => response,
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::warn!(%provider, status, "the issuer does not answer about a token");
                return TokenStatus::Unavailable;
            }
            Err(error) => {
                tracing::warn!(%provider, error, "the issuer cannot be asked about a token");
                return TokenStatus::Unavailable;
            }
        };
        match read(response).await {
            Ok(answer) => TokenStatus::Known { answer: Arc::new(answer), as_of: now },
            Err(error) => {
                tracing::warn!(%provider, error, "the issuer's answer is not to be believed");
                TokenStatus::Invalid
            }
        }
    }

    fn request(&self, token: &OpaqueToken, now: Timestamp) -> Result<Request<Full<Bytes>>, String> {
        let mut form = format!("token={}&token_type_hint=access_token", encoded(token.expose()));
        if !matches!(self.auth, Auth::Password(_)) {
            form.push_str(&format!("&client_id={}", encoded(&self.client_id)));
        }
        if let Auth::Signed(signer) = &self.auth {
            let signed = signer.sign(now)?;
            let kind = encoded(ASSERTION);
            form.push_str(&format!("&client_assertion_type={kind}&client_assertion={signed}"));
        }
        let mut request = Request::post(&self.endpoint)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(CONTENT_LENGTH, form.len());
        if let Auth::Password(password) = &self.auth {
            request = request.header(AUTHORIZATION, password);
        }
        request.body(Full::new(Bytes::from(form))).map_err(|error| error.to_string())
    }
}

async fn read(response: Response<Full<Bytes>>) -> Result<introspection::Answer, String> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let media = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(format!("its media type is `{media}`"));
    }
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
    introspection::read(&body.to_bytes())
}

/// Name and secret as a password (RFC 6749 section 2.3.1).
fn password(client_id: &str, secret: &[u8]) -> Result<HeaderValue, String> {
    let secret = std::str::from_utf8(secret).map_err(|_| "the secret is no text".to_owned())?;
    let both = format!("{}:{}", encoded(client_id), encoded(secret));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(both)))
        .map_err(|error| error.to_string())?;
    value.set_sensitive(true);
    Ok(value)
}

/// A value of a form.
fn encoded(text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                form.push(char::from(byte));
            }
            other => form.push_str(&format!("%{other:02X}")),
        }
    }
    form
}
