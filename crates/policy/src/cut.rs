//! Where does each policy of a file begin? A policy ends with `;`, which stands nowhere else but
//! in texts and comments.

/// One policy of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Byte offset in the file.
    pub(crate) start: usize,
    /// From its first annotation or word to its `;`.
    pub(crate) text: &'a str,
}

/// Cuts a file into policies. What follows the last `;`, unless blank, is a piece too: the parser
/// will say that it is unfinished.
pub(crate) fn cut(file: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = None;
    let mut bytes = file.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'/' if bytes.peek().is_some_and(|(_, next)| *next == b'/') => {
                for (_, byte) in bytes.by_ref() {
                    if byte == b'\n' {
                        break;
                    }
                }
            }
            b'"' => {
                start = start.or(Some(at));
                let mut escaped = false;
                for (_, byte) in bytes.by_ref() {
                    match byte {
                        b'"' if !escaped => break,
                        b'\\' => escaped = !escaped,
                        _ => escaped = false,
                    }
                }
            }
            b';' => {
                let from = start.take().unwrap_or(at);
                if let Some(text) = file.get(from..=at) {
                    pieces.push(Piece { start: from, text });
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => start = start.or(Some(at)),
        }
    }
    if let Some(from) = start
        && let Some(text) = file.get(from..)
    {
        pieces.push(Piece { start: from, text });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn semicolons_in_texts_and_comments_end_nothing() {
        let file = "// a;b\npermit(principal, action, resource) when { \"x;\\\";\" == \"\" };\n\n@id(\"b\") forbid(principal, action, resource); // end;\n";
        let pieces = cut(file);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0].start, 7);
        assert!(pieces[0].text.ends_with("};"));
        assert!(pieces[1].text.starts_with("@id"));
    }

    #[test]
    fn an_unfinished_policy_is_not_lost() {
        assert_eq!(cut("permit(principal").len(), 1);
        assert!(cut(" // nothing\n").is_empty());
    }
}
