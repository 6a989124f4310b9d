//! Which headers are changed, and can these names and values be headers? Whether a name may be
//! touched at all is judged where it is known which ones the boundary itself decides by.

use http::{HeaderName, HeaderValue};

use crate::check;
use crate::declaration::{Answers, Cache, Declared, HeaderChanges};
use crate::document;
use crate::problems::Problems;

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
    boundary: &str,
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
