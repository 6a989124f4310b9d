//! How is a value of the declaration shown as it was written? A word of the declaration is the name of
//! the case in lower case; the names of types, and that a value may be absent, are nobody's business.

use std::fmt::Debug;
use std::iter::Peekable;
use std::str::Chars;

/// A value in the words of the declaration.
pub(super) fn words(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    let mut chars = text.chars().peekable();
    let mut said = String::with_capacity(text.len());
    // whether the name before each open parenthesis was left out, and so the parenthesis
    let mut left_out = Vec::new();
    while let Some(next) = chars.next() {
        match next {
            '"' => quoted(&mut chars, &mut said),
            'A'..='Z' if !said.ends_with(|last: char| last.is_ascii_alphanumeric()) => {
                let name = name(next, &mut chars);
                match chars.peek() {
                    Some('(') => {
                        chars.next();
                        left_out.push(true);
                    }
                    Some(' ') => {
                        chars.next();
                        if chars.peek() != Some(&'{') {
                            said.push_str(&as_written(&name));
                            said.push(' ');
                        }
                    }
                    Some(_) | None => said.push_str(&as_written(&name)),
                }
            }
            '(' => {
                left_out.push(false);
                said.push('(');
            }
            ')' if left_out.pop() == Some(true) => {}
            other => said.push(other),
        }
    }
    said
}

fn quoted(chars: &mut Peekable<Chars<'_>>, said: &mut String) {
    said.push('"');
    while let Some(next) = chars.next() {
        said.push(next);
        match next {
            '"' => return,
            '\\' => said.extend(chars.next()),
            _ => {}
        }
    }
}

fn name(first: char, chars: &mut Peekable<Chars<'_>>) -> String {
    let mut name = String::from(first);
    while let Some(next) = chars.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
        name.push(next);
    }
    name
}

/// `BestEffort` is written `best_effort`; `ES256` and `GET` are written like that.
fn as_written(name: &str) -> String {
    if !name.contains(|one: char| one.is_ascii_lowercase()) {
        return name.to_owned();
    }
    let mut written = String::with_capacity(name.len());
    for one in name.chars() {
        if one.is_ascii_uppercase() && !written.is_empty() {
            written.push('_');
        }
        written.push(one.to_ascii_lowercase());
    }
    written
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_config::declaration::{Audit, Balance, Protocol};

    use super::words;

    #[derive(Debug)]
    #[expect(dead_code, reason = "only shown")]
    struct Shown {
        path: &'static str,
        every: Option<Duration>,
    }

    #[test]
    fn values_are_shown_as_they_are_written() {
        assert_eq!(words(&Audit::BestEffort), "best_effort");
        assert_eq!(words(&Balance::LeastRequest), "least_request");
        assert_eq!(words(&[Protocol::Http1, Protocol::Http2]), "[http1, http2]");
        assert_eq!(words(&(Some(Duration::from_secs(3)), None::<u8>)), "(3s, none)");
        assert_eq!(words(&"Some \"Text\" (None)"), r#""Some \"Text\" (None)""#);
        let shown = Some(Shown { path: "/Ready", every: Some(Duration::from_secs(1)) });
        assert_eq!(words(&shown), r#"{ path: "/Ready", every: 1s }"#);
    }
}
