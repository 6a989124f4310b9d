//! Which other ways has an API? Whether its contract has operations for them is judged where the
//! contract is known.

use std::collections::BTreeSet;

use http::HeaderValue;
use portcullis_model::{Method, UpstreamId};

use crate::check;
use crate::declaration::{Declared, Rewrite, Route};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};

const EVERYTHING: Rule = Rule {
    code: "PC0152",
    why: "a route that takes everything, or is not the only one of its name, was meant otherwise",
    fix: "name operations, methods or a header, and give each route a name of its own",
};
const PREFIX: Rule = Rule {
    code: "PC0153",
    why: "paths are rewritten by whole segments, and only in front",
    fix: "write a prefix such as `/v1` of letters, digits and `-._~`, without a final slash",
};

/// Resolves the routes of an API.
pub(super) fn routes(
    document: &Document,
    api: &str,
    written: &[document::Route],
    problems: &mut Problems<'_>,
) -> Vec<Route> {
    let mut names = BTreeSet::new();
    let mut routes = Vec::new();
    for (index, written) in written.iter().enumerate() {
        let index = index.to_string();
        let path = ["apis", api, "routes", index.as_str()];
        check::name(&written.name, &[path[0], path[1], path[2], path[3], "name"], problems);
        if !names.insert(&written.name) {
            problems.error(EVERYTHING, &path, format!("route `{}` stands twice", written.name));
        }
        if written.operations.is_empty() && written.methods.is_empty() && written.header.is_none() {
            let message = format!("route `{}` takes everything", written.name);
            problems.error(EVERYTHING, &path, message);
        }
        if !document.upstreams.contains_key(&written.upstream) {
            let known = document.upstreams.keys().map(String::as_str);
            let path = [path[0], path[1], path[2], path[3], "upstream"];
            problems.dangling(&path, "upstream", &written.upstream, known);
        }
        routes.push(route(&path, written, problems));
    }
    routes
}

fn route(path: &[&str; 4], written: &document::Route, problems: &mut Problems<'_>) -> Route {
    let [apis, api, routes, index] = *path;
    let mut methods = Vec::new();
    for (at, text) in written.methods.iter().enumerate() {
        let path = [apis, api, routes, index, "methods", &at.to_string()];
        match Method::parse(text) {
            Some(method) => methods.push(method),
            None => problems.error(check::VALUE, &path, format!("`{text}` is not a method")),
        }
    }
    let operation = |(at, id): (usize, &String)| {
        let path = [apis, api, routes, index, "operations", &at.to_string()];
        Declared { value: id.clone(), span: problems.span(&path) }
    };
    let operations = written.operations.iter().enumerate().map(operation).collect();
    let header = written.header.as_ref().and_then(|written| {
        let path = [apis, api, routes, index, "header", "name"];
        let value = check::header_name(&written.name, &path, problems)?;
        let name = Declared { value, span: problems.span(&path) };
        let path = [apis, api, routes, index, "header", "value"];
        let visible = written.value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let value = HeaderValue::from_str(&written.value).ok().filter(|_| visible);
        if value.is_none() || written.value.trim() != written.value || written.value.is_empty() {
            problems.error(check::VALUE, &path, "no header can have this value");
        }
        Some((name, value?))
    });
    let rewritten = [apis, api, routes, index, "rewrite"];
    Route {
        name: written.name.clone(),
        operations,
        methods,
        header,
        upstream: UpstreamId::new(&written.upstream),
        rewrite: written.rewrite.as_ref().map(|written| rewrite(&rewritten, written, problems)),
        span: problems.span(path),
    }
}

/// Resolves which path an upstream sees.
pub(super) fn rewrite(
    path: &[&str],
    written: &document::Rewrite,
    problems: &mut Problems<'_>,
) -> Rewrite {
    let (from, to) = match written {
        document::Rewrite::StripPrefix(from) => (from.as_str(), ""),
        document::Rewrite::ReplacePrefix(prefixes) => {
            if prefixes.to.is_empty() {
                problems.error(
                    PREFIX,
                    path,
                    "nothing takes the prefix's place; `strip_prefix` says that",
                );
            }
            (prefixes.from.as_str(), prefixes.to.as_str())
        }
    };
    for prefix in [from, to] {
        if !check::is_base_path(prefix) {
            problems.error(PREFIX, path, format!("`{prefix}` is not a prefix of paths"));
        }
    }
    if from.is_empty() || from == to {
        problems.error(PREFIX, path, "it changes nothing");
    }
    Rewrite { from: from.to_owned(), to: to.to_owned(), span: problems.span(path) }
}
