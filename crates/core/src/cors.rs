//! May a page of another origin call this from a browser (CORS, Fetch standard section 3.2)?
//!
//! A preflight is answered here, for operations that a contract lists and origins that the
//! declaration lists; it is never forwarded, and it says nothing that depends on a credential. On
//! other answers an origin is named only where it is listed. What an upstream says of origins never
//! counts: its `Access-Control-…` headers are removed. `null` is no origin: pages of anybody have it.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use portcullis_config::declaration::{Cors, OriginRule, Origins};
use portcullis_model::{Method, Reason};
use portcullis_reading::host::Host;
use portcullis_reading::message::Message;

use crate::answer::Answer;
use crate::refusal::Refusal;

/// Headers of a preflight; the decision depends on them, so they are noted.
pub(crate) static ASKED: [HeaderName; 3] =
    [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_REQUEST_HEADERS];

/// Most headers that a preflight may ask for.
const HEADERS_MAX: usize = 64;

/// The method that a preflight asks for; `None` where the message is none.
pub(crate) fn preflight(message: &Message) -> Option<Method> {
    let asks = message.method == Method::Options && message.headers.contains_key(ORIGIN);
    let asked = message.headers.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|_| asks)?;
    Method::parse(asked.to_str().ok()?)
}

/// Answers a preflight to a place where these methods are listed.
///
/// # Errors
/// `receive.cross_origin_refused`, naming what is not listed.
pub(crate) fn answer(
    cors: &Cors,
    message: &Message,
    methods: &[Method],
) -> Result<Answer, Refusal> {
    let refused = |why: &str| Refusal::new(Reason::CrossOriginRefused, why);
    let origin = message.headers.get(ORIGIN);
    if !origin.is_some_and(|origin| is_listed(cors, origin)) {
        return Err(refused("the origin is not listed"));
    }
    let asked = message.headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let asked = asked.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    for (at, name) in asked.enumerate() {
        let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
        if at >= HEADERS_MAX || !(name.is_empty() || cors.headers.contains(&name)) {
            return Err(refused("a header that the page wants to send is not listed"));
        }
    }
    let mut headers = HeaderMap::new();
    let methods: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    set(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, &methods.join(", "));
    if !cors.headers.is_empty() {
        let names: Vec<&str> = cors.headers.iter().map(String::as_str).collect();
        set(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, &names.join(", "));
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(cors.max_age.as_secs()));
    for name in ASKED.iter().skip(1) {
        headers.append(VARY, HeaderValue::from(name.clone()));
    }
    Ok(Answer { status: StatusCode::NO_CONTENT, headers, body: Bytes::new() })
}

/// What an answer tells a browser about origins.
pub(crate) fn fields(cors: Option<&Cors>, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    let told = [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderName::from_static("access-control-allow-private-network"),
    ];
    for name in told {
        headers.remove(name);
    }
    let Some(cors) = cors else { return };
    match cors.origins {
        Origins::Any => {}
        // whoever keeps the answer must know that it differs by origin, listed or not
        Origins::Listed(_) => drop(headers.append(VARY, HeaderValue::from_static("origin"))),
    }
    let Some(origin) = origin.filter(|origin| is_listed(cors, origin)) else { return };
    let value = match cors.origins {
        Origins::Any => HeaderValue::from_static("*"),
        Origins::Listed(_) => origin.clone(),
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value);
    if cors.credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    if !cors.expose.is_empty() {
        let names: Vec<&str> = cors.expose.iter().map(String::as_str).collect();
        set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &names.join(", "));
    }
}

/// Whether a page may open a WebSocket: browsers let every page, and send their cookies along
/// (RFC 6455 section 10.2). A page of the same host may, and pages of listed origins; what is no
/// browser names no origin.
pub(crate) fn may_open(cors: Option<&Cors>, message: &Message) -> bool {
    let Some(origin) = message.headers.get(ORIGIN) else { return true };
    let origin_text = origin.to_str().ok().and_then(|text| text.split_once("://"));
    let asked = message.headers.get(HOST).and_then(|host| host.to_str().ok());
    // the same host and port: another port is another origin
    let same = origin_text.zip(asked).is_some_and(|((scheme, authority), asked)| {
        let plain = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return false,
        };
        let bare = |text: &str| text.strip_suffix(plain).unwrap_or(text).to_ascii_lowercase();
        bare(authority) == bare(asked) && Host::parse(authority).is_ok()
    });
    same || cors.is_some_and(|cors| is_listed(cors, origin))
}

fn is_listed(cors: &Cors, origin: &HeaderValue) -> bool {
    match (&cors.origins, origin.to_str()) {
        (_, Err(_) | Ok("null")) => false,
        (Origins::Any, Ok(_)) => true,
        (Origins::Listed(rules), Ok(origin)) => rules.iter().any(|rule| fits(rule, origin)),
    }
}

fn fits(rule: &OriginRule, origin: &str) -> bool {
    match rule {
        OriginRule::Exact(exact) => origin == exact,
        OriginRule::Below { scheme, domain, port } => {
            let name = origin
                .strip_prefix(scheme)
                .and_then(|rest| rest.strip_suffix(port.as_str()))
                .and_then(|host| host.strip_suffix(domain.as_str()));
            let label = |label: &str| {
                let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                !label.is_empty() && label.bytes().all(plain)
            };
            name.is_some_and(|name| name.split('.').all(label))
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::fits;
    use portcullis_config::declaration::OriginRule;

    #[test]
    fn below_a_domain_is_whole_labels_under_the_same_scheme_and_port() {
        let domain = ".shop.example".to_owned();
        let rule = OriginRule::Below { scheme: "https://", domain, port: String::new() };
        assert!(fits(&rule, "https://app.shop.example"));
        assert!(fits(&rule, "https://a.b.shop.example"));
        for wrong in [
            "https://shop.example",
            "https://evilshop.example",
            "https://.shop.example",
            "http://app.shop.example",
            "https://app.shop.example:8443",
            "https://app.shop.example.evil.example",
            "https://evil.example/.shop.example",
            "https://evil.example:1.shop.example",
            "https://u@a.shop.example",
            "https://A.shop.example",
            "null",
            "",
        ] {
            assert!(!fits(&rule, wrong), "{wrong}");
        }
        let port = ":8443".to_owned();
        let domain = ".shop.example".to_owned();
        let rule = OriginRule::Below { scheme: "https://", domain, port };
        assert!(fits(&rule, "https://app.shop.example:8443"));
        assert!(!fits(&rule, "https://app.shop.example"));
    }
}
