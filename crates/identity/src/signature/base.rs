//! Which bytes does a signature over a message cover (RFC 9421 section 2.5)? Made from the one view of
//! a request, so that what was signed is what was judged.
//!
//! Parameters that would let a component be read in another way (`sf`, `bs`, `key`, `req`, `tr`) are
//! refused, and so is a field that stands in more than one line.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName};
use portcullis_reading::structured::{Bare, Item, Parameters, list};

/// A request as it is seen.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Method.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host in lower case, with its port unless that is the scheme's own.
    pub authority: &'a str,
    /// Canonical path.
    pub path: &'a str,
    /// Query as it came, without `?`.
    pub query: Option<&'a str>,
    /// The same in pairs, decoded.
    pub pairs: &'a [(String, String)],
    /// Fields.
    pub headers: &'a HeaderMap,
}

/// Makes the base.
///
/// # Errors
/// Which component cannot be covered, and why.
pub fn base(items: &[Item], parameters: &Parameters, view: &View<'_>) -> Result<String, String> {
    let mut base = String::with_capacity(512);
    for (at, item) in items.iter().enumerate() {
        if items.iter().take(at).any(|earlier| earlier.to_string() == item.to_string()) {
            return Err(format!("component {item} stands twice"));
        }
        let value = value(item, view).map_err(|why| format!("component {item}: {why}"))?;
        // writing to a text cannot fail
        let _infallible = writeln!(base, "{item}: {value}");
    }
    let _infallible = write!(base, "\"@signature-params\": {}", list(items, parameters));
    Ok(base)
}

fn value(item: &Item, view: &View<'_>) -> Result<String, &'static str> {
    let Bare::Text(name) = &item.bare else { return Err("it is no text") };
    if name == "@query-param" {
        let [(key, Bare::Text(wanted))] = item.parameters.as_slice() else {
            return Err("it needs the one parameter `name`");
        };
        return if key == "name" { parameter(wanted, view) } else { Err("it needs `name`") };
    }
    if !item.parameters.is_empty() {
        return Err("its parameters are not supported");
    }
    let query = || view.query.map(|query| format!("?{query}"));
    Ok(match name.as_str() {
        "@method" => view.method.to_owned(),
        "@scheme" => view.scheme.to_owned(),
        "@authority" => view.authority.to_owned(),
        "@path" => view.path.to_owned(),
        "@query" => query().unwrap_or_else(|| "?".to_owned()),
        "@request-target" => format!("{}{}", view.path, query().unwrap_or_default()),
        "@target-uri" => format!(
            "{}://{}{}{}",
            view.scheme,
            view.authority,
            view.path,
            query().unwrap_or_default()
        ),
        derived if derived.starts_with('@') => return Err("no request has it"),
        field => self::field(field, view.headers)?,
    })
}

fn field(name: &str, headers: &HeaderMap) -> Result<String, &'static str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("it is not in lower case");
    }
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "it is no field")?;
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| "it is not ASCII")?;
            Ok(text.trim_matches([' ', '\t']).to_owned())
        }
        (Some(_), Some(_)) => Err("it stands in more than one line"),
        (None, _) => Err("the request does not have it"),
    }
}

/// The one parameter of this name (RFC 9421 section 2.2.8), encoded again after it was decoded.
fn parameter(wanted: &str, view: &View<'_>) -> Result<String, &'static str> {
    let mut found = view.pairs.iter().filter(|(name, _)| encoded(name) == wanted);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(encoded(value)),
        (Some(_), Some(_)) => Err("it stands more than once"),
        (None, _) => Err("the request does not have it"),
    }
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!'()*".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
