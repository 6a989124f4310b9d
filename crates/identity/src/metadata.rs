//! Where does an issuer say that its keys are? Its metadata (RFC 8414, `OpenID` Connect Discovery
//! 1.0), read strictly.
//!
//! Metadata is believed about one issuer only: the one that the declaration names, byte for byte
//! (RFC 8414 section 3.3). Where it leads is no more trusted than where it came from: to `https`, and
//! to this machine only where the issuer itself is declared to be here.

use std::net::IpAddr;

use http::Uri;
use portcullis_reading::json;
use serde_json::{Map, Value};

/// Largest document, in bytes.
pub const METADATA_BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting of a document.
const DEPTH_MAX: u16 = 8;

/// Longest URL in a document, in bytes.
const URL_BYTES_MAX: usize = 2048;

/// What is used of an issuer's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Where its key set is.
    pub jwks_uri: String,
}

/// Why metadata is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MetadataError(String);

/// Which document an issuer has its metadata in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// `OpenID` Connect Discovery 1.0 section 4: the path is appended to the issuer.
    OpenIdConfiguration,
    /// RFC 8414 section 3: the path is put between the host and the path of the issuer.
    AuthorizationServer,
}

/// Where an issuer's metadata is.
///
/// ```
/// use portcullis_identity::metadata::{Document, place};
///
/// let issuer = "https://id.example/tenants/acme";
/// assert_eq!(
///     place(issuer, Document::OpenIdConfiguration).as_deref(),
///     Some("https://id.example/tenants/acme/.well-known/openid-configuration")
/// );
/// assert_eq!(
///     place(issuer, Document::AuthorizationServer).as_deref(),
///     Some("https://id.example/.well-known/oauth-authorization-server/tenants/acme")
/// );
/// ```
///
/// `None` where the issuer is no URL of a host without query and fragment.
#[must_use]
pub fn place(issuer: &str, document: Document) -> Option<String> {
    let url: Uri = issuer.parse().ok()?;
    let (scheme, authority) = (url.scheme_str()?, url.authority()?.as_str());
    if url.query().is_some() || issuer.contains(['#', '?']) {
        return None;
    }
    let path = url.path().trim_end_matches('/');
    Some(match document {
        Document::OpenIdConfiguration => {
            format!("{scheme}://{authority}{path}/.well-known/openid-configuration")
        }
        Document::AuthorizationServer => {
            format!("{scheme}://{authority}/.well-known/oauth-authorization-server{path}")
        }
    })
}

/// Reads the metadata of this issuer.
///
/// # Errors
/// When it is not strict JSON, is of another issuer, or leads where it must not.
pub fn read(bytes: &[u8], issuer: &str) -> Result<Metadata, MetadataError> {
    let wrong = |why: &str| MetadataError(why.to_owned());
    let members = match json::parse(bytes, &json::Bounds::new(DEPTH_MAX, METADATA_BYTES_MAX)) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(wrong("the metadata is no JSON object")),
        Err(error) => return Err(MetadataError(format!("the metadata: {error}"))),
    };
    if text(&members, "issuer") != Some(issuer) {
        return Err(wrong("`issuer` of the metadata is not the declared one"));
    }
    let jwks_uri = text(&members, "jwks_uri").ok_or_else(|| wrong("there is no `jwks_uri`"))?;
    if !may_lead_to(jwks_uri, issuer) {
        return Err(wrong("`jwks_uri` leads where the metadata may not lead"));
    }
    Ok(Metadata { jwks_uri: jwks_uri.to_owned() })
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// Whether metadata of the issuer may name this URL. Which addresses its name may have is judged
/// where it is resolved.
fn may_lead_to(url: &str, issuer: &str) -> bool {
    if url.len() > URL_BYTES_MAX || url.contains('#') {
        return false;
    }
    let (Ok(url), Ok(issuer)) = (url.parse::<Uri>(), issuer.parse::<Uri>()) else { return false };
    let bare = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let at_home = is_loopback(&issuer) || !is_loopback(&url);
    match url.scheme_str() {
        Some("https") => bare && at_home,
        Some("http") => bare && is_loopback(&url) && issuer.scheme_str() == Some("http"),
        Some(_) | None => false,
    }
}

fn is_loopback(url: &Uri) -> bool {
    let address = url.host().map(|host| host.trim_matches(['[', ']']).parse::<IpAddr>());
    address.is_some_and(|address| address.is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::{Document, place, read};
    use serde_json::json;

    const ISSUER: &str = "https://id.example/t";

    fn jwks_of(issuer: &str, metadata: &serde_json::Value) -> Result<String, String> {
        let read = read(metadata.to_string().as_bytes(), issuer);
        read.map(|read| read.jwks_uri).map_err(|error| error.to_string())
    }

    #[test]
    fn the_issuer_is_exactly_the_declared_one() {
        let keys = "https://keys.example/set";
        assert_eq!(
            jwks_of(ISSUER, &json!({"issuer": ISSUER, "jwks_uri": keys})),
            Ok(keys.to_owned())
        );
        for other in [
            "https://id.example/t/",
            "https://id.example",
            "https://ID.example/t",
            "https://id.example/T",
            "http://id.example/t",
        ] {
            assert!(jwks_of(ISSUER, &json!({"issuer": other, "jwks_uri": keys})).is_err());
        }
        assert!(jwks_of(ISSUER, &json!({"issuer": [ISSUER], "jwks_uri": keys})).is_err());
        assert!(jwks_of(ISSUER, &json!({"issuer": ISSUER})).is_err());
        assert!(read(br#"{"issuer":"x","issuer":"https://id.example/t"}"#, ISSUER).is_err());
    }

    #[test]
    fn e14_metadata_leads_nowhere_but_to_https() {
        let leads = |issuer: &str, url: &str| {
            jwks_of(issuer, &json!({"issuer": issuer, "jwks_uri": url})).is_ok()
        };
        for url in [
            "http://keys.example/set",
            "file:///etc/passwd",
            "https://user@keys.example/set",
            "https://127.0.0.1/set",
            "https://[::1]/set",
            "http://127.0.0.1:8090/set",
            "//keys.example/set",
            "https://keys.example/set#x",
            "",
        ] {
            assert!(!leads(ISSUER, url), "{url}");
        }
        let home = "http://127.0.0.1:8090";
        assert!(leads(home, "http://127.0.0.1:8090/jwks") && leads(home, "https://keys.example/"));
        assert!(!leads(home, "http://10.0.0.1/jwks") && !leads(home, "http://localhost/jwks"));
    }

    #[test]
    fn an_issuer_with_a_query_has_no_metadata() {
        for issuer in ["https://id.example/?a=b", "https://id.example/#f", "id.example", ""] {
            assert_eq!(place(issuer, Document::OpenIdConfiguration), None, "{issuer}");
        }
        assert_eq!(
            place("https://id.example/", Document::OpenIdConfiguration).as_deref(),
            Some("https://id.example/.well-known/openid-configuration")
        );
    }
}
