//! Which pairs does the query hold? The raw text is forwarded as it came; the decoded pairs are
//! what is judged. `+` is read as a space, as HTML forms write it. Repeated names are kept. A bare
//! `;` is refused: some upstreams cut pairs there.

use portcullis_model::Reason;

use crate::path::decode;
use crate::violation::Violation;

/// Most pairs in a query.
const PAIRS_MAX: usize = 256;

/// A query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// As it came, without `?`; `None` where there was no `?`.
    pub raw: Option<String>,
    /// Decoded names and values in order.
    pub pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// `receive.ambiguous_target` for malformed encodings, control characters, too many pairs.
    pub fn parse(raw: Option<&str>) -> Result<Self, Violation> {
        let Some(text) = raw else { return Ok(Self::default()) };
        let refuse = |detail: &str| Violation::new(Reason::AmbiguousTarget, detail);
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || b"\"<>\\^`{|}#;".contains(&byte)) {
            return Err(refuse("the query has a character that must not stand there"));
        }
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() >= PAIRS_MAX {
                return Err(refuse("the query has too many pairs"));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((plain(name)?, plain(value)?));
        }
        Ok(Self { raw: Some(text.to_owned()), pairs })
    }
}

fn plain(text: &str) -> Result<String, Violation> {
    let refuse = |detail: &str| Violation::new(Reason::AmbiguousTarget, detail);
    let spaced = text.replace('+', " ");
    let bytes = decode(spaced.as_bytes())
        .ok_or_else(|| refuse("the query has a malformed percent-encoding"))?;
    let text =
        String::from_utf8(bytes).map_err(|_| refuse("the query does not decode to UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refuse("the query encodes a control character"));
    }
    Ok(text)
}
