//! Where in the text does this part of the document stand?
//!
//! Parsing gives values without places, so the place of a JSON pointer is found again by walking
//! lines and their indentation. That is right for block YAML and for printed JSON, which is how
//! contracts are written. Where it cannot follow (flow collections on one line, JSON arrays) it
//! answers with the nearest part around that it could follow. A wrong place costs a reader a
//! moment; no decision rests on it.

use portcullis_diagnostics::{SourceId, Span};

/// Where in a contract's text the part stands that a JSON pointer names, or the nearest part around
/// it.
#[must_use]
pub fn place(source: &SourceId, text: &str, pointer: &str) -> Option<Span> {
    let (start, end) = locate(text, pointer)?;
    Some(Span::new(source.clone(), start, end))
}

/// Byte range of the key (or item) that `pointer` (RFC 6901, without `#`) names, or of the
/// nearest part around it. `None` where not even its first step was found.
pub(crate) fn locate(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let lines = lines(text);
    let mut region = Region { first: 0, last: lines.len(), above: None };
    let mut found = None;
    for step in steps(pointer) {
        let Some((place, inside)) = region.step(&lines, &step) else { break };
        found = Some(place);
        region = inside;
    }
    found
}

/// The steps of a JSON pointer, unescaped (RFC 6901 section 4).
pub(crate) fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// A line that holds something.
struct Line<'a> {
    /// Where its content starts, in bytes of the text.
    start: usize,
    /// Columns before the content; `- ` counts as columns of what it introduces.
    indent: usize,
    /// Columns of each `- ` before the content.
    dashes: Vec<usize>,
    /// Without indentation, dashes and line end.
    content: &'a str,
}

/// Lines of one value, and the indentation of what holds it.
struct Region {
    first: usize,
    last: usize,
    above: Option<usize>,
}

impl Region {
    fn step(&self, lines: &[Line<'_>], step: &str) -> Option<((usize, usize), Self)> {
        let inside = lines.get(self.first..self.last)?;
        match step.parse::<usize>() {
            Ok(index) => self.item(inside, index).or_else(|| self.key(inside, step)),
            Err(_) => self.key(inside, step),
        }
    }

    fn key(&self, inside: &[Line<'_>], step: &str) -> Option<((usize, usize), Self)> {
        let deeper = |indent: usize| self.above.is_none_or(|above| indent > above);
        let indent = inside
            .iter()
            .filter(|line| key_of(line.content).is_some() && deeper(line.indent))
            .map(|line| line.indent)
            .min()?;
        let at = inside
            .iter()
            .position(|line| line.indent == indent && key_of(line.content) == Some(step))?;
        let line = inside.get(at)?;
        let rest = inside.get(at.saturating_add(1)..)?;
        // a sequence may stand at the column of its key; its content is indented further
        let length = rest.iter().take_while(|next| next.indent > indent);
        let first = self.first.saturating_add(at).saturating_add(1);
        let region = Self { first, last: first + length.count(), above: Some(indent) };
        let written = line.content.find(':').unwrap_or(line.content.len());
        Some(((line.start, line.start + written), region))
    }

    fn item(&self, inside: &[Line<'_>], index: usize) -> Option<((usize, usize), Self)> {
        let column = inside.iter().find_map(|line| line.dashes.first().copied())?;
        let starts: Vec<usize> = inside
            .iter()
            .enumerate()
            .filter(|(_, line)| line.dashes.contains(&column))
            .map(|(at, _)| at)
            .collect();
        let at = *starts.get(index)?;
        let end = starts.get(index.saturating_add(1)).copied().unwrap_or(inside.len());
        let line = inside.get(at)?;
        let region = Self { first: self.first + at, last: self.first + end, above: Some(column) };
        Some(((line.start, line.start + line.content.len()), region))
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut offset = 0;
    for raw in text.split_inclusive('\n') {
        let whole = raw.trim_end();
        let mut content = whole.trim_start_matches(' ');
        let mut dashes = Vec::new();
        while let Some(rest) = content.strip_prefix("- ") {
            dashes.push(whole.len() - content.len());
            content = rest.trim_start_matches(' ');
        }
        let indent = whole.len() - content.len();
        if !content.is_empty() && !content.starts_with('#') {
            lines.push(Line { start: offset + indent, indent, dashes, content });
        }
        offset += raw.len();
    }
    lines
}

/// The key that a line introduces: plain, or in quotes.
fn key_of(content: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = content.strip_prefix(quote) {
            let (key, after) = rest.split_once(quote)?;
            return after.trim_start().starts_with(':').then_some(key);
        }
    }
    let (key, after) = content.split_once(':')?;
    (after.is_empty() || after.starts_with(' ')).then_some(key.trim_end())
}

#[cfg(test)]
mod tests {
    use super::locate;

    fn at<'a>(text: &'a str, pointer: &str) -> Option<&'a str> {
        locate(text, pointer).map(|(start, end)| text.get(start..end).unwrap())
    }

    const YAML: &str = "\
openapi: 3.1.0
paths:
  /orders:
    get:
      operationId: a
      parameters:
        - name: one
          in: query
        - name: two
          in: path
  \"/orders/{id}\":
    get: {operationId: b}
components:
  x: 1
";

    #[test]
    fn finds_keys_and_items_of_block_yaml() {
        assert_eq!(at(YAML, "/paths/~1orders/get/operationId"), Some("operationId"));
        assert_eq!(at(YAML, "/paths/~1orders/get/parameters/1/in"), Some("in"));
        let (start, _) = locate(YAML, "/paths/~1orders/get/parameters/1/in").unwrap();
        assert!(YAML.get(start..).unwrap().starts_with("in: path"));
        assert_eq!(at(YAML, "/paths/~1orders~1{id}"), Some("\"/orders/{id}\""));
        assert_eq!(at(YAML, "/components/x"), Some("x"));
    }

    #[test]
    fn answers_with_what_is_around() {
        assert_eq!(at(YAML, "/paths/~1orders~1{id}/get/operationId"), Some("get"));
        assert_eq!(at(YAML, "/nothing"), None);
    }

    #[test]
    fn finds_keys_of_printed_json() {
        let json = "{\n  \"paths\": {\n    \"/a\": {\n      \"get\": {}\n    }\n  }\n}\n";
        assert_eq!(at(json, "/paths/~1a/get"), Some("\"get\""));
    }

    #[test]
    fn sequences_may_stand_at_the_column_of_their_key() {
        let text = "a:\n- b: 1\n- b: 2\nc: 3\n";
        let (start, _) = locate(text, "/a/1/b").unwrap();
        assert!(text.get(start..).unwrap().starts_with("b: 2"));
        assert_eq!(at(text, "/c"), Some("c"));
    }
}
