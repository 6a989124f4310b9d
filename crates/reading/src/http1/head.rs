//! Is the head one that everybody reads alike, and how is its body framed?

use portcullis_model::{Method, Reason};

use crate::violation::Violation;

use super::framing::{Bounds, Framing, malformed};

/// The longest target that the parser behind the guard accepts.
const TARGET_BYTES_MAX: usize = 65_534;

/// Where a head ends.
pub(crate) enum End {
    /// Not in sight; this many bytes need not be searched again.
    Unknown { searched: usize },
    /// After this many bytes.
    At(usize),
}

/// Looks for the end of a head from `from` on.
pub(crate) fn end(input: &[u8], from: usize, bytes_max: usize) -> Result<End, Violation> {
    let start = from.min(input.len());
    for (at, byte) in input.iter().enumerate().skip(start) {
        if at >= bytes_max {
            return Err(Violation::new(Reason::HeadTooLarge, "the head exceeds its bound"));
        }
        if *byte == b'\n' {
            let before = input.get(..at).unwrap_or_default();
            if !before.ends_with(b"\r") {
                return Err(malformed("LF without CR in the head"));
            }
            if at == 1 {
                return Err(malformed("an empty line stands before the request"));
            }
            if before.ends_with(b"\r\n\r") {
                return Ok(End::At(at.saturating_add(1)));
            }
        }
    }
    Ok(End::Unknown { searched: input.len() })
}

/// Checks a whole head, its final empty line included.
pub(crate) fn check(head: &[u8], bounds: &Bounds) -> Result<Framing, Violation> {
    // what is left ends in the CR of its last line, like every line before it
    let head = head.strip_suffix(b"\n\r\n").unwrap_or(head);
    let mut lines = lines(head);
    let version = request_line(lines.next().unwrap_or_default(), bounds)?;
    let mut fields = Fields::default();
    for (count, line) in lines.enumerate() {
        if count >= bounds.headers_max {
            return Err(Violation::new(Reason::HeadTooLarge, "too many headers"));
        }
        fields.add(line)?;
    }
    fields.framing(version)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    // every LF follows a CR (checked by `end`), so splitting at LF and dropping one CR is exact
    head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn request_line(line: &[u8], bounds: &Bounds) -> Result<Version, Violation> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("the request line does not have three parts"));
    };
    let known = std::str::from_utf8(method).ok().and_then(Method::parse);
    if known.is_none() {
        if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return Err(malformed("the method is not a token"));
        }
        return Err(Violation::new(Reason::MethodRefused, "this method never crosses"));
    }
    if target.len() > bounds.target_bytes_max.min(TARGET_BYTES_MAX) {
        return Err(Violation::new(Reason::TargetTooLong, "the target exceeds its bound"));
    }
    if !is_target(target) {
        return Err(Violation::new(Reason::AmbiguousTarget, "the target has no accepted form"));
    }
    match version {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Violation::new(Reason::UnsupportedVersion, "not HTTP/1.0 or HTTP/1.1"))
        }
        _ => Err(malformed("the version is malformed")),
    }
}

/// Origin form, or an absolute form that is a URI. What is passed here must be a URI to the HTTP
/// parser too: one that it refuses by itself would be answered without a record.
fn is_target(target: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(byte);
    if !target.iter().all(plain) {
        return false;
    }
    let absolute = target.starts_with(b"http://") || target.starts_with(b"https://");
    // one without a path would be given one, and would no longer be what was sent
    let same = |uri: http::Uri| uri.to_string().as_bytes() == target;
    target.starts_with(b"/") || (absolute && http::Uri::try_from(target).is_ok_and(same))
}

#[derive(Default)]
struct Fields {
    length: Option<u64>,
    chunked: bool,
}

impl Fields {
    fn add(&mut self, line: &[u8]) -> Result<(), Violation> {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(header("a header line has no colon"));
        };
        let name = line.get(..colon).unwrap_or_default();
        let value = trim(line.get(colon.saturating_add(1)..).unwrap_or_default());
        if name.is_empty() || !name.iter().all(|byte| is_name_byte(*byte)) {
            return Err(header("a header name has more than letters, digits and `-`"));
        }
        if !value.iter().all(|byte| *byte == b'\t' || (b' '..=b'~').contains(byte)) {
            return Err(header("a header value is not visible ASCII"));
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.replace(length(value)?).is_some() {
                return Err(malformed("`Content-Length` stands more than once"));
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked {
                return Err(malformed("`Transfer-Encoding` stands more than once"));
            }
            if !value.eq_ignore_ascii_case(b"chunked") {
                let reason = Reason::UnknownTransferCoding;
                return Err(Violation::new(reason, "a transfer coding other than `chunked`"));
            }
            self.chunked = true;
        }
        Ok(())
    }

    fn framing(self, version: Version) -> Result<Framing, Violation> {
        match (self.chunked, self.length, version) {
            (true, Some(_), _) => {
                Err(malformed("both `Content-Length` and `Transfer-Encoding` stand"))
            }
            (true, None, Version::Http10) => Err(malformed("`Transfer-Encoding` in HTTP/1.0")),
            (true, None, Version::Http11) => Ok(Framing::Chunked),
            (false, length, _) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}

/// Plain decimal digits (RFC 9112 section 6.2), no sign, at most 18 of them.
pub(super) fn length(value: &[u8]) -> Result<u64, Violation> {
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(malformed("`Content-Length` is not a plain number"));
    }
    let text = std::str::from_utf8(value).unwrap_or_default();
    text.parse().map_err(|_| malformed("`Content-Length` is not a plain number"))
}

pub(super) fn trim(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |at| at.saturating_add(1));
    value.get(start..end).unwrap_or_default()
}

/// What header names are made of here: fewer characters than RFC 9110 allows, because application
/// gateways write the others as `_` and make two names one.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// `tchar` of RFC 9110 section 5.6.2.
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

fn header(detail: &str) -> Violation {
    Violation::new(Reason::InvalidHeader, detail)
}
