//! Which headers are changed, and can these names and values be headers? Whether a name may be
//! touched at all is judged where it is known which ones the boundary itself decides by.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::check;
use crate::declaration::{Answers, Cache, Coding, Compress, Declared, HeaderChanges, Hsts};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};

const PLAIN: Rule = Rule {
    code: "PC0159",
    why: "browsers heed the header over TLS only, so it would protect nobody",
    fix: "declare `tls` on the listener, or leave the header to the proxy that speaks TLS",
};

const AGES: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(366 * 86_400));

/// Headers that are changed on the way to the upstream of an API.
pub(super) fn request_headers(
    api: &str,
    written: &document::RequestHeaders,
    problems: &mut Problems<'_>,
) -> HeaderChanges {
    changes(&["apis", api, "request_headers"], &written.remove, &written.set, problems)
}

/// What answers over a boundary say besides their content.
pub(super) fn answers(
    document: &Document,
    boundary: &str,
    from: &str,
    written: &document::Answers,
    problems: &mut Problems<'_>,
) -> Answers {
    let path = ["boundaries", boundary, "answers"];
    let policy = written.content_security_policy.as_ref().and_then(|text| {
        let path = [path[0], path[1], path[2], "content_security_policy"];
        value(text, &path, problems)
    });
    Answers {
        headers: changes(&path, &written.remove, &written.set, problems),
        content_security_policy: policy,
        cache: match written.cache {
            document::Cache::NoStore => Cache::NoStore,
            document::Cache::Upstream => Cache::Upstream,
        },
        hsts: written.hsts.as_ref().map(|written| {
            let path = [path[0], path[1], path[2], "hsts"];
            let mut listeners = document.listeners.values();
            if !listeners.any(|listener| listener.zone == from && listener.tls.is_some()) {
                let message = format!("no listener of zone `{from}` has TLS");
                problems.error(PLAIN, &path, message);
            }
            let path = [path[0], path[1], path[2], path[3], "max_age"];
            let max_age = check::duration(&written.max_age, AGES, &path, problems);
            Hsts { max_age, subdomains: written.subdomains }
        }),
        compress: written.compress.as_ref().map(|written| compress(&path, written, problems)),
    }
}

fn compress(
    path: &[&str; 3],
    written: &document::Compress,
    problems: &mut Problems<'_>,
) -> Compress {
    let [section, boundary, answers] = *path;
    let at = |key| [section, boundary, answers, "compress", key];
    let types = check::set(&written.types, &at("types"), problems);
    for (index, text) in written.types.iter().enumerate() {
        let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-._".contains(&b);
        let is_type = text.split_once('/').is_some_and(|(kind, rest)| {
            [kind, rest].iter().all(|part| !part.is_empty() && part.bytes().all(token))
        });
        // events are sent one by one, whatever their size
        if !is_type || text == "text/event-stream" {
            let path = [section, boundary, answers, "compress", "types", &index.to_string()];
            let message = format!("`{text}` is not a media type that can be compressed");
            problems.error(check::VALUE, &path, message);
        }
    }
    let mut codings = Vec::new();
    for coding in &written.codings {
        let coding = match coding {
            document::Coding::Br => Coding::Br,
            document::Coding::Gzip => Coding::Gzip,
        };
        if !codings.contains(&coding) {
            codings.push(coding);
        }
    }
    if codings.is_empty() || codings.len() < written.codings.len() {
        problems.error(check::VALUE, &at("codings"), "at least one, and each once");
    }
    Compress {
        types,
        bytes_min: check::size(&written.bytes_min, (1, 1 << 30), &at("bytes_min"), problems),
        identified: written.identified,
        codings,
    }
}

fn changes(
    path: &[&str; 3],
    remove: &[String],
    set: &std::collections::BTreeMap<String, String>,
    problems: &mut Problems<'_>,
) -> HeaderChanges {
    let mut changes = HeaderChanges::default();
    for (index, text) in remove.iter().enumerate() {
        let path = [path[0], path[1], path[2], "remove", &index.to_string()];
        if set.contains_key(text) {
            problems.error(check::VALUE, &path, format!("`{text}` is removed and set"));
        }
        changes.remove.extend(name(text, &path, problems));
    }
    for (text, written) in set {
        let path = [path[0], path[1], path[2], "set", text];
        let name = name(text, &path, problems);
        changes.set.extend(name.zip(value(written, &path, problems)));
    }
    changes
}

fn name(text: &str, path: &[&str], problems: &mut Problems<'_>) -> Option<Declared<HeaderName>> {
    check::header_name(text, path, problems)
        .map(|value| Declared { value, span: problems.span(path) })
}

fn value(text: &str, path: &[&str], problems: &mut Problems<'_>) -> Option<HeaderValue> {
    let visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() == text;
    let value = HeaderValue::from_str(text).ok().filter(|_| visible && !text.is_empty());
    if value.is_none() {
        let message = "a value is visible ASCII, not empty, without spaces around it";
        problems.error(check::VALUE, path, message);
    }
    value
}
