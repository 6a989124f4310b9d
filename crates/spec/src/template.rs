//! Which paths does a template stand for? Whole segments only: a segment that is half text and
//! half parameter can be cut in several ways, and what can be read in several ways is refused.

use crate::model::{PathTemplate, Segment};

/// Reads a path template.
///
/// # Errors
/// Says what is wrong with it, and which part.
pub(crate) fn parse(text: &str) -> Result<PathTemplate, String> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err(format!("path `{text}` does not begin with `/`"));
    };
    let mut segments = Vec::new();
    if rest.is_empty() {
        return Ok(PathTemplate { text: text.to_owned(), segments });
    }
    let last = rest.split('/').count().saturating_sub(1);
    for (at, raw) in rest.split('/').enumerate() {
        if raw.is_empty() && at != last {
            return Err(format!("path `{text}` has an empty segment (`//`)"));
        }
        let segment = segment(text, raw)?;
        if matches!(&segment, Segment::Parameter(_)) && segments.contains(&segment) {
            return Err(format!("path `{text}` names parameter `{raw}` twice"));
        }
        segments.push(segment);
    }
    Ok(PathTemplate { text: text.to_owned(), segments })
}

impl PathTemplate {
    /// Names of its parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) => Some(name.as_str()),
        })
    }

    /// The template with parameters unnamed: equal for templates that match the same paths.
    pub(crate) fn shape(&self) -> String {
        let mut shape = String::new();
        for segment in &self.segments {
            shape.push('/');
            shape.push_str(match segment {
                Segment::Literal(text) => text,
                Segment::Parameter(_) => "{}",
            });
        }
        shape
    }
}

fn segment(text: &str, raw: &str) -> Result<Segment, String> {
    let named = raw.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = named
        && !name.is_empty()
        && !name.contains(['{', '}'])
    {
        return Ok(Segment::Parameter(name.to_owned()));
    }
    if raw.contains(['{', '}']) {
        return Err(format!("segment `{raw}` of path `{text}` is not one whole parameter"));
    }
    if raw == "." || raw == ".." || !raw.bytes().all(is_literal) {
        return Err(format!("segment `{raw}` of path `{text}` is not in canonical form"));
    }
    Ok(Segment::Literal(raw.to_owned()))
}

/// Characters of a path segment that need no escape (RFC 3986 section 3.3), without `;`, which
/// some upstreams cut at.
const fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'@')
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=')
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::model::Segment;

    #[test]
    fn whole_segments() {
        let template = parse("/orders/{id}/items").unwrap();
        assert_eq!(
            template.segments,
            [
                Segment::Literal("orders".into()),
                Segment::Parameter("id".into()),
                Segment::Literal("items".into()),
            ]
        );
        assert_eq!(template.shape(), "/orders/{}/items");
        assert!(parse("/").unwrap().segments.is_empty());
        assert_eq!(parse("/orders/").unwrap().segments.last(), Some(&Segment::Literal("".into())));
    }

    #[test]
    fn what_has_several_readings_is_refused() {
        for (text, why) in [
            ("orders", "does not begin"),
            ("/a//b", "empty segment"),
            ("/a{b}", "not one whole"),
            ("/{a}.json", "not one whole"),
            ("/{}", "not one whole"),
            ("/{a}{b}", "not one whole"),
            ("/{a}/x/{a}", "twice"),
            ("/a/../b", "canonical"),
            ("/a;v=1", "canonical"),
            ("/%41", "canonical"),
            ("/a?b", "canonical"),
            ("/caf\u{e9}", "canonical"),
        ] {
            assert!(parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
