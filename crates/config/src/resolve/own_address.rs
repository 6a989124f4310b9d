//! Where does the boundary answer itself? At a listener, by a path that has one spelling.

use portcullis_model::ListenerId;

use crate::check;
use crate::declaration::OwnAddress;
use crate::document::Document;
use crate::problems::{Problems, Rule};

pub(super) const IN_THE_CLEAR: Rule = Rule {
    code: "PC0192",
    why: "whoever reads along can use the token at this upstream until it expires",
    fix: "declare `tls` of the upstream",
};

/// At a listener, by a path that has one spelling.
pub(super) fn own_address(
    document: &Document,
    (listener, path): (&str, &str),
    at: &[&str; 2],
    problems: &mut Problems<'_>,
) -> OwnAddress {
    let [section, key] = at;
    if !document.listeners.contains_key(listener) {
        let known = document.listeners.keys().map(String::as_str);
        problems.dangling(&[section, key, "listener"], "listener", listener, known);
    }
    if path.is_empty() || !check::is_base_path(path) {
        let message = format!("`{path}` is not a path such as `/.well-known/jwks.json`");
        problems.error(check::VALUE, &[section, key, "path"], message);
    }
    OwnAddress {
        listener: ListenerId::new(listener),
        path: path.to_owned(),
        span: problems.span(at),
    }
}
