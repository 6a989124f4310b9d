//! Is this the body that was meant? `Content-Digest` (RFC 9530) over the bytes as they were received:
//! every digest of an algorithm that is known must be the body's, and at least one must be there.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use portcullis_model::Reason;
use portcullis_reading::structured::{Bare, Item, Member, dictionary};

use crate::authenticated::Refused;

/// The header.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// What a body must be.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentDigest {
    digests: Vec<(bool, Vec<u8>)>,
}

impl std::fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ContentDigest({})", self.digests.len())
    }
}

impl ContentDigest {
    /// Reads the one field of a message.
    ///
    /// # Errors
    /// `inspect.content_digest_refused`.
    pub fn read(headers: &HeaderMap) -> Result<Self, Refused> {
        let mut values = headers.get_all(CONTENT_DIGEST).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(refused("there must be exactly one `Content-Digest`"));
        };
        let text = value.to_str().map_err(|_| refused("it is not ASCII"))?;
        let members = dictionary(text).map_err(refused)?;
        let mut digests = Vec::new();
        for (name, member) in members {
            let is_long = match name.as_str() {
                "sha-256" => false,
                "sha-512" => true,
                // RFC 9530 section 5: others prove nothing, or nothing any more
                _ => continue,
            };
            let Member::Item(Item { bare: Bare::Bytes(text), parameters }) = member else {
                return Err(refused("a digest is not bytes"));
            };
            let bytes = STANDARD.decode(text).map_err(|_| refused("a digest is not base64"))?;
            if !parameters.is_empty() {
                return Err(refused("a digest has parameters"));
            }
            digests.push((is_long, bytes));
        }
        if digests.is_empty() {
            return Err(refused("it has neither `sha-256` nor `sha-512`"));
        }
        Ok(Self { digests })
    }

    /// Judges a body as it was received, before any content coding is undone.
    ///
    /// # Errors
    /// `inspect.content_digest_refused`.
    pub fn check(&self, body: &[u8]) -> Result<(), Refused> {
        for (is_long, expected) in &self.digests {
            let algorithm: &Algorithm = if *is_long { &SHA512 } else { &SHA256 };
            if verify_slices_are_equal(digest(algorithm, body).as_ref(), expected).is_err() {
                return Err(refused("it is not that of the body"));
            }
        }
        Ok(())
    }

    /// The field for a body that is sent.
    #[must_use]
    pub fn field(body: &[u8]) -> String {
        format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body)))
    }
}

fn refused(detail: &'static str) -> Refused {
    Refused::new(Reason::ContentDigestRefused, format!("`Content-Digest`: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::ContentDigest;
    use http::{HeaderMap, HeaderValue};

    /// RFC 9530 appendix B.1 and RFC 9421 appendix B.2: `{"hello": "world"}`.
    const BODY: &[u8] = b"{\"hello\": \"world\"}";
    const SHORT: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    const LONG: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

    fn check(fields: &[&str], body: &[u8]) -> bool {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append("content-digest", HeaderValue::from_str(field).unwrap());
        }
        ContentDigest::read(&headers).and_then(|one| one.check(body)).is_ok()
    }

    #[test]
    fn rfc_9530_every_known_digest_is_the_bodys() {
        for good in [SHORT, LONG, &format!("{SHORT}, {LONG}"), &format!("md5=:AAAA:, {SHORT}")] {
            assert!(check(&[good], BODY), "{good}");
        }
        assert_eq!(ContentDigest::field(BODY), SHORT);
        let wrong = SHORT.replace("X4", "Y4");
        for bad in [
            wrong.as_str(),
            &format!("{wrong}, {LONG}"),
            &format!("{SHORT}, {SHORT}"),
            "md5=:AAAA:",
            "sha-256=abc",
            "sha-256=:AAAA:",
            "sha-256=::",
            &format!("{SHORT};a=1"),
            "",
        ] {
            assert!(!check(&[bad], BODY), "{bad}");
        }
        assert!(!check(&[SHORT], b"{}"));
        assert!(!check(&[], b""));
        assert!(!check(&[SHORT, SHORT], BODY));
    }
}
