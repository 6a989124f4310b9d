//! Which pages of other origins may call an API? An origin that no browser would ever send, or a
//! wildcard with credentials, is found here.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::check;
use crate::declaration::{Cors, OriginRule, Origins};
use crate::document;
use crate::problems::{Problems, Rule};

const ANYBODY: Rule = Rule {
    code: "PC0155",
    why: "any page that a user opens could act and read as that user",
    fix: "list the origins, or set `credentials: false`",
};
const ORIGIN: Rule = Rule {
    code: "PC0156",
    why: "a browser never sends it, or what sends it can be anybody",
    fix: "write `https://app.shop.example` as browsers do, or `https://*.shop.example`",
};

const AGES: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(86_400));

/// Resolves what pages of other origins may do with an API.
pub(super) fn cors(api: &str, written: &document::Cors, problems: &mut Problems<'_>) -> Cors {
    let at = |key| ["apis", api, "cors", key];
    let texts = check::set(&written.origins, &at("origins"), problems);
    let origins = if texts.contains("*") {
        if texts.len() > 1 {
            problems.error(ORIGIN, &at("origins"), "`*` stands beside other origins");
        }
        if written.credentials {
            let message = format!("API `{api}` may be called with credentials from every origin");
            problems.error(ANYBODY, &at("credentials"), message);
        }
        Origins::Any
    } else {
        let mut rules = Vec::new();
        for (index, text) in written.origins.iter().enumerate() {
            match origin(text) {
                Some(rule) => rules.push(rule),
                None => {
                    let path = ["apis", api, "cors", "origins", &index.to_string()];
                    problems.error(ORIGIN, &path, format!("`{text}` is no origin"));
                }
            }
        }
        Origins::Listed(rules)
    };
    let mut names = |texts: &[String], key: &'static str| -> BTreeSet<String> {
        for (index, text) in texts.iter().enumerate() {
            let path = ["apis", api, "cors", key, &index.to_string()];
            check::header_name(text, &path, problems);
        }
        texts.iter().cloned().collect()
    };
    Cors {
        origins,
        headers: names(&written.headers, "headers"),
        expose: names(&written.expose, "expose"),
        credentials: written.credentials,
        max_age: check::duration(&written.max_age, AGES, &at("max_age"), problems),
    }
}

fn origin(text: &str) -> Option<OriginRule> {
    let (scheme, default_port) = match text.split_once("://")?.0 {
        "https" => ("https://", "443"),
        "http" => ("http://", "80"),
        _ => return None,
    };
    let rest = text.strip_prefix(scheme)?;
    let port_at = rest.rfind(':').filter(|at| !rest.ends_with(']') && *at > 0);
    let (host, port) = port_at.and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
    if let Some(digits) = port.strip_prefix(':') {
        let number = digits.parse::<u16>().ok()?;
        if digits == default_port || number == 0 || number.to_string() != digits {
            return None;
        }
    }
    match host.strip_prefix("*.") {
        // a whole top-level domain belongs to nobody
        Some(domain) if check::is_host(domain) && domain.contains('.') => {
            Some(OriginRule::Below { scheme, domain: format!(".{domain}"), port: port.to_owned() })
        }
        Some(_) => None,
        None => check::is_host(host).then(|| OriginRule::Exact(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{OriginRule, origin};

    #[test]
    fn only_what_a_browser_writes_is_an_origin() {
        for good in [
            "https://app.shop.example",
            "http://localhost:3000",
            "https://[::1]",
            "https://[::1]:8443",
            "https://192.0.2.1",
        ] {
            assert_eq!(origin(good), Some(OriginRule::Exact(good.to_owned())), "{good}");
        }
        let below = origin("https://*.shop.example:8443");
        let domain = ".shop.example".to_owned();
        let expected = OriginRule::Below { scheme: "https://", domain, port: ":8443".to_owned() };
        assert_eq!(below, Some(expected));
        for wrong in [
            "null",
            "",
            "app.shop.example",
            "https://App.shop.example",
            "https://app.shop.example/",
            "https://app.shop.example:443",
            "https://app.shop.example:08443",
            "https://app.shop.example:",
            "https://user@app.shop.example",
            "https://*",
            "https://*.example",
            "https://*.*.shop.example",
            "https://app*.shop.example",
            "ftp://a.example",
            "https://a.example b",
        ] {
            assert_eq!(origin(wrong), None, "{wrong}");
        }
    }
}
