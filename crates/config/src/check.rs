//! Is this value one that can be meant? Checks that several sections share.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;

use crate::problems::{Problems, Rule};
use crate::quantity;

const NAME: Rule = Rule {
    code: "PC0106",
    why: "names stand in policies, metrics, records and file names",
    fix: "use up to 63 of `a-z`, `0-9` and `-`, beginning with a letter",
};
/// A value that cannot be read.
pub(crate) const VALUE: Rule = Rule {
    code: "PC0107",
    why: "a value that is not understood is not enforced",
    fix: "correct it; `portcullis schema` says what may stand here",
};
const BOUNDS: Rule = Rule {
    code: "PC0119",
    why: "outside its bounds a value protects nothing or breaks everything",
    fix: "choose a value within the bounds",
};
const OUTSIDE: Rule = Rule {
    code: "PC0122",
    why: "an estate is one folder, so that what was checked is what is deployed",
    fix: "use a path inside the folder of the declaration, without `..`",
};

/// A name.
pub(crate) fn name(text: &str, path: &[&str], problems: &mut Problems<'_>) {
    let ok = (1..=63).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !ok {
        problems.error(NAME, path, format!("`{text}` is not a name"));
    }
}

/// A path inside the estate.
pub(crate) fn inside(text: &str, path: &[&str], problems: &mut Problems<'_>) {
    let outside = text.starts_with('/') || text.split('/').any(|part| part == "..");
    if outside || text.is_empty() {
        problems.error(OUTSIDE, path, format!("`{text}` is not a path inside the estate"));
    }
}

/// A text that must not be empty.
pub(crate) fn filled(text: &str, path: &[&str], problems: &mut Problems<'_>) {
    if text.trim().is_empty() {
        problems.error(VALUE, path, "it is empty");
    }
}

/// A duration within bounds.
pub(crate) fn duration(
    text: &str,
    bounds: (Duration, Duration),
    path: &[&str],
    problems: &mut Problems<'_>,
) -> Duration {
    match quantity::duration(text) {
        Err(error) => problems.error(VALUE, path, error),
        Ok(value) if value < bounds.0 || value > bounds.1 => {
            let message = format!("`{text}` is not between {:?} and {:?}", bounds.0, bounds.1);
            problems.error(BOUNDS, path, message);
        }
        Ok(value) => return value,
    }
    bounds.0
}

/// A size within bounds.
pub(crate) fn size(
    text: &str,
    bounds: (u64, u64),
    path: &[&str],
    problems: &mut Problems<'_>,
) -> u64 {
    match quantity::size(text) {
        Err(error) => problems.error(VALUE, path, error),
        Ok(value) if value < bounds.0 || value > bounds.1 => {
            let message = format!("`{text}` is not between {} and {} bytes", bounds.0, bounds.1);
            problems.error(BOUNDS, path, message);
        }
        Ok(value) => return value,
    }
    bounds.0
}

/// Networks; a single address counts as a network of one.
pub(crate) fn networks(texts: &[String], path: &[&str], problems: &mut Problems<'_>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let read = text
            .parse::<IpNet>()
            .ok()
            .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from));
        match read {
            Some(network) => networks.push(network),
            None => {
                let index = index.to_string();
                let mut path = path.to_vec();
                path.push(&index);
                problems.error(
                    VALUE,
                    &path,
                    format!("`{text}` is not a network such as `10.0.0.0/8`"),
                );
            }
        }
    }
    networks
}

/// Items that must be given, each once.
pub(crate) fn set(
    texts: &[String],
    path: &[&str],
    problems: &mut Problems<'_>,
) -> std::collections::BTreeSet<String> {
    let set: std::collections::BTreeSet<String> = texts.iter().cloned().collect();
    if set.is_empty() || set.iter().any(|text| text.trim().is_empty()) {
        problems.error(VALUE, path, "at least one, and none of them empty");
    }
    if set.len() < texts.len() {
        problems.error(VALUE, path, "one of them stands twice");
    }
    set
}

/// A name of DNS in lower case, an IPv4 address, or an IPv6 address in brackets.
pub(crate) fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numeric {
        text.parse::<Ipv4Addr>().is_ok()
    } else {
        text.len() <= 253 && text.split('.').all(label)
    }
}
