//! What does a compressed body hold? Decoded within bounds, so that it can be checked; what is
//! forwarded is the decoded body, because that is what was judged.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::bufread::{GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use portcullis_model::Reason;
use portcullis_reading::violation::Violation;

use crate::body::BodyBounds;

/// Bytes that are decoded at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// A content coding (RFC 9110 section 8.4.1) that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// None.
    Identity,
    /// RFC 1952, one member, nothing behind it.
    Gzip,
    /// RFC 1950, which HTTP calls `deflate`.
    Zlib,
}

/// The one coding of a body.
///
/// # Errors
/// `inspect.content_encoding_refused` for any other, and for more than one.
pub(crate) fn coding(headers: &HeaderMap) -> Result<Coding, Violation> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let coding = match (values.next(), values.next()) {
        (None, _) => return Ok(Coding::Identity),
        (Some(value), None) => value.to_str().unwrap_or_default().to_ascii_lowercase(),
        (Some(_), Some(_)) => String::new(),
    };
    match coding.as_str() {
        "gzip" | "x-gzip" => Ok(Coding::Gzip),
        "deflate" => Ok(Coding::Zlib),
        _ => Err(Violation::new(
            Reason::ContentEncodingRefused,
            "`Content-Encoding` is not one of `gzip` and `deflate`, once",
        )),
    }
}

/// The body without its coding.
///
/// # Errors
/// `inspect.body_malformed` where the coding is broken or something follows it,
/// `inspect.body_too_large` where a bound is passed; decoding stops there.
pub(crate) fn decoded<'a>(
    coding: Coding,
    body: &'a [u8],
    bounds: &BodyBounds,
) -> Result<Cow<'a, [u8]>, Violation> {
    let ratio = usize::try_from(bounds.expansion_max).unwrap_or(usize::MAX);
    let bytes_max = body.len().saturating_mul(ratio).min(bounds.bytes_max);
    match coding {
        Coding::Identity => Ok(Cow::Borrowed(body)),
        Coding::Gzip => {
            let mut decoder = GzDecoder::new(body);
            let plain = bounded(&mut decoder, bytes_max)?;
            ended(decoder.into_inner(), plain)
        }
        Coding::Zlib => {
            let mut decoder = ZlibDecoder::new(body);
            let plain = bounded(&mut decoder, bytes_max)?;
            ended(decoder.into_inner(), plain)
        }
    }
}

fn bounded(decoder: &mut impl Read, bytes_max: usize) -> Result<Vec<u8>, Violation> {
    let mut plain = Vec::new();
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        let count = match decoder.read(&mut chunk) {
            Ok(0) => return Ok(plain),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => {
                let detail = "the body is not what its `Content-Encoding` says";
                return Err(Violation::new(Reason::BodyMalformed, detail));
            }
        };
        if plain.len().saturating_add(count) > bytes_max {
            let detail = format!("the body decodes to more than {bytes_max} bytes");
            return Err(Violation::new(Reason::BodyTooLarge, detail));
        }
        plain.extend_from_slice(chunk.get(..count).unwrap_or_default());
    }
}

/// Whatever follows would be read by one party and dropped by another.
fn ended(rest: &[u8], plain: Vec<u8>) -> Result<Cow<'static, [u8]>, Violation> {
    if rest.is_empty() {
        Ok(Cow::Owned(plain))
    } else {
        let detail = "something follows the end of the compressed body";
        Err(Violation::new(Reason::BodyMalformed, detail))
    }
}
