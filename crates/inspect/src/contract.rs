//! What must a message of this operation be? Parameters and body against the contract's schemas
//! (JSON Schema 2020-12).

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use jsonschema::{Draft, PatternOptions, Validator};
use portcullis_diagnostics::Finding;
use portcullis_model::Reason;
use portcullis_reading::json;
use portcullis_reading::message::Message;
use portcullis_reading::violation::Violation;
use portcullis_spec::{ApiModel, Location, Operation};
use serde_json::{Value, json};

use crate::{coerce, exact};

/// The only media type whose bodies can be checked.
const JSON: &str = "application/json";

/// Bounds of a body.
#[derive(Clone, Copy, Debug)]
pub struct BodyBounds {
    /// Largest body in bytes.
    pub bytes_max: usize,
    /// Deepest nesting.
    pub json_depth_max: u16,
    /// Largest ratio of decompressed to compressed size.
    pub expansion_max: u32,
}

/// What to do with the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyPlan {
    /// Read all of it, then check it.
    Buffer,
    /// There is none.
    None,
}

/// An operation's contract, compiled.
#[derive(Debug)]
pub struct OperationContract {
    parameters: Vec<Parameter>,
    body: Option<Body>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    location: Location,
    required: bool,
    kind: Option<String>,
    schema: Validator,
}

#[derive(Debug)]
struct Body {
    required: bool,
    schema: Validator,
}

/// Compiles an operation's contract.
#[must_use]
pub fn compile(api: &ApiModel, operation: &Operation) -> (Option<OperationContract>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut parameters = Vec::new();
    for parameter in &operation.parameters {
        let what = format!("parameter `{}` of `{}`", parameter.name, operation.id);
        if parameter.array.is_some() || parameter.location == Location::Cookie {
            findings.push(unenforceable(&what, "lists and cookies are not checked"));
            continue;
        }
        match validator(api, &parameter.schema) {
            Ok(schema) => parameters.push(Parameter {
                name: parameter.name.clone(),
                location: parameter.location,
                required: parameter.required,
                kind: kind(api, &parameter.schema),
                schema,
            }),
            Err(why) => findings.push(unenforceable(&what, &why)),
        }
    }
    let mut body = None;
    if let Some(declared) = &operation.body {
        let what = format!("the body of `{}`", operation.id);
        for (media, schema) in &declared.content {
            if media != JSON {
                findings.push(unenforceable(&what, &format!("`{media}` is not checked")));
                continue;
            }
            match validator(api, schema) {
                Ok(schema) => body = Some(Body { required: declared.required, schema }),
                Err(why) => findings.push(unenforceable(&what, &why)),
            }
        }
    }
    let contract = findings.is_empty().then_some(OperationContract { parameters, body });
    (contract, findings)
}

impl OperationContract {
    /// Checks path, query and header parameters.
    ///
    /// # Errors
    /// `inspect.parameter_refused`, naming the parameter and never its value.
    pub fn check_parameters(
        &self,
        message: &Message,
        path: &[(&str, &str)],
    ) -> Result<(), Violation> {
        for parameter in &self.parameters {
            let values: Vec<&str> = match parameter.location {
                Location::Path => matching(path.iter().copied(), &parameter.name),
                Location::Query => {
                    let pairs = message.query.pairs.iter();
                    matching(pairs.map(|(name, value)| (&**name, &**value)), &parameter.name)
                }
                Location::Header => {
                    let values = message.headers.get_all(&parameter.name).iter();
                    values.map(|value| value.to_str().unwrap_or_default()).collect()
                }
                Location::Cookie => Vec::new(),
            };
            check_parameter(parameter, &values)?;
        }
        for (name, _) in &message.query.pairs {
            let known = |one: &Parameter| one.location == Location::Query && one.name == *name;
            if !self.parameters.iter().any(known) {
                let detail = "the query has a parameter that the contract does not list";
                return Err(Violation::new(Reason::ParameterRefused, detail));
            }
        }
        Ok(())
    }

    /// Says from the headers whether there is a body to be read.
    ///
    /// # Errors
    /// A body where the contract has none, a missing one, or one of another type.
    pub fn body_plan(&self, headers: &HeaderMap) -> Result<BodyPlan, Violation> {
        let empty = headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0");
        let announced = headers.contains_key(CONTENT_LENGTH) && !empty;
        let Some(body) = &self.body else {
            return if announced {
                Err(Violation::new(Reason::BodyUnexpected, "the contract describes no body"))
            } else {
                // a body without length would come in chunks; reading it shows whether it is one
                Ok(if empty { BodyPlan::None } else { BodyPlan::Buffer })
            };
        };
        if empty && body.required {
            return Err(Violation::new(Reason::BodyMissing, "the contract requires a body"));
        }
        if announced {
            check_media(headers)?;
        }
        Ok(BodyPlan::Buffer)
    }

    /// Checks a whole body.
    ///
    /// # Errors
    /// Says where it breaks its schema, by JSON pointer.
    pub fn check_body(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        bounds: &BodyBounds,
    ) -> Result<(), Violation> {
        let declared = match (&self.body, body.is_empty()) {
            (None, true) => return Ok(()),
            (None, false) => {
                return Err(Violation::new(
                    Reason::BodyUnexpected,
                    "the contract describes no body",
                ));
            }
            (Some(declared), true) if declared.required => {
                return Err(Violation::new(Reason::BodyMissing, "the contract requires a body"));
            }
            (Some(_), true) => return Ok(()),
            (Some(declared), false) => declared,
        };
        check_media(headers)?;
        if body.len() > bounds.bytes_max {
            return Err(Violation::new(Reason::BodyTooLarge, "the body exceeds its bound"));
        }
        let value = json::parse(body, &json::Bounds::new(bounds.json_depth_max, bounds.bytes_max))
            .map_err(|error| Violation::new(Reason::BodyMalformed, error.to_string()))?;
        if !exact::is_exact(&value) {
            let detail = "a number has more digits than can be judged";
            return Err(Violation::new(Reason::BodyRefused, detail));
        }
        match declared.schema.iter_errors(&value).next() {
            None => Ok(()),
            Some(error) => {
                let place = error.instance_path().to_string();
                let detail = format!("`{place}` does not match its schema");
                Err(Violation::new(Reason::BodyRefused, detail))
            }
        }
    }
}

fn matching<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, name: &str) -> Vec<&'a str> {
    pairs.filter(|(known, _)| *known == name).map(|(_, value)| value).collect()
}

fn check_parameter(parameter: &Parameter, values: &[&str]) -> Result<(), Violation> {
    let what = format!("{} parameter `{}`", parameter.location.as_str(), parameter.name);
    let refuse = |why: &str| Err(Violation::new(Reason::ParameterRefused, format!("{what} {why}")));
    match values {
        [] if parameter.required => refuse("is missing"),
        [] => Ok(()),
        [text] => {
            let value = coerce::value(text, parameter.kind.as_deref());
            if parameter.schema.is_valid(&value) {
                Ok(())
            } else {
                refuse("does not match its schema")
            }
        }
        [_, _, ..] => refuse("stands more than once"),
    }
}

fn check_media(headers: &HeaderMap) -> Result<(), Violation> {
    let refuse = |why: &str| Violation::new(Reason::ContentTypeRefused, why);
    if headers.contains_key(CONTENT_ENCODING) {
        let detail = "`Content-Encoding` is not accepted";
        return Err(Violation::new(Reason::ContentEncodingRefused, detail));
    }
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| refuse("`Content-Type` is missing"))?.to_ascii_lowercase();
    let (essence, parameter) = text.split_once(';').unwrap_or((&text, ""));
    let plain = matches!(parameter.trim(), "" | "charset=utf-8");
    if essence.trim() == JSON && plain {
        Ok(())
    } else {
        Err(refuse("`Content-Type` is not one that the contract lists"))
    }
}

/// A schema with the contract's document around it, so that its references resolve.
fn validator(api: &ApiModel, schema: &Value) -> Result<Validator, String> {
    let mut root = api.document.as_object().cloned().unwrap_or_default();
    root.insert("allOf".to_owned(), json!([schema]));
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(&Value::Object(root))
        .map_err(|error| error.to_string())
}

/// The type that a parameter's schema names, behind at most one reference.
fn kind(api: &ApiModel, schema: &Value) -> Option<String> {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|reference| reference.strip_prefix('#'));
    let schema = target.and_then(|pointer| api.document.pointer(pointer)).unwrap_or(schema);
    schema.get("type").and_then(Value::as_str).map(str::to_owned)
}

fn unenforceable(what: &str, why: &str) -> Finding {
    Finding::error("PC0250", format!("{what} cannot be enforced: {why}"))
        .why("a contract that is declared and not enforced protects nobody")
        .fix("describe it in a way that can be checked, or remove it")
}
