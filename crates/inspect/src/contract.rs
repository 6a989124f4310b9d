//! What must a message of this operation be? Parameters and body against the contract's schemas
//! (JSON Schema 2020-12).

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use portcullis_model::{OperationId, Reason};
use portcullis_reading::message::Message;
use portcullis_reading::violation::Violation;
use portcullis_spec::{Location, Messages};
use serde_json::Value;

use crate::body::{Body, BodyBounds};
use crate::coding;
use crate::parameter::Parameter;
use crate::schema::{Schemas, Unenforceable};

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

/// Compiles what the messages of an operation must be, with the schemas that were compiled before.
/// References lead into the document of their contract.
///
/// # Errors
/// Every part that could not be enforced.
pub fn compile(
    schemas: &mut Schemas,
    document: &Arc<Value>,
    operation: &OperationId,
    messages: &Messages,
) -> Result<OperationContract, Vec<Unenforceable>> {
    let mut missing = Vec::new();
    let mut parameters = Vec::new();
    let id = operation.as_str();
    for parameter in &messages.parameters {
        match Parameter::compile(schemas, document, id, parameter) {
            Ok(parameter) => parameters.push(parameter),
            Err(finding) => missing.push(finding),
        }
    }
    let body =
        messages.body.as_ref().map(|declared| Body::compile(schemas, document, id, declared));
    let body = match body {
        None => None,
        Some(Ok(body)) => Some(body),
        Some(Err(found)) => {
            missing.extend(found);
            None
        }
    };
    if missing.is_empty() { Ok(OperationContract { parameters, body }) } else { Err(missing) }
}

impl OperationContract {
    /// Checks path, query, header and cookie parameters.
    ///
    /// # Errors
    /// `inspect.parameter_refused`, naming the parameter and never its value.
    pub fn check_parameters(
        &self,
        message: &Message,
        path: &[(&str, &str)],
    ) -> Result<(), Violation> {
        for parameter in &self.parameters {
            parameter.check(message, path)?;
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
    /// A body where the contract has none, a missing one, or one of another type or coding.
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
            body.content(&media(headers)?)?;
            coding::coding(headers)?;
        }
        Ok(BodyPlan::Buffer)
    }

    /// Checks a whole body, and gives back the bytes that were checked: what is to be forwarded,
    /// without its content coding.
    ///
    /// # Errors
    /// Says where it breaks its schema, by JSON pointer.
    pub fn check_body<'a>(
        &self,
        headers: &HeaderMap,
        body: &'a [u8],
        bounds: &BodyBounds,
    ) -> Result<Cow<'a, [u8]>, Violation> {
        let declared = match (&self.body, body.is_empty()) {
            (None, true) => return Ok(Cow::Borrowed(body)),
            (None, false) => {
                return Err(Violation::new(
                    Reason::BodyUnexpected,
                    "the contract describes no body",
                ));
            }
            (Some(declared), true) if declared.required => {
                return Err(Violation::new(Reason::BodyMissing, "the contract requires a body"));
            }
            (Some(_), true) => return Ok(Cow::Borrowed(body)),
            (Some(declared), false) => declared,
        };
        if body.len() > bounds.bytes_max {
            return Err(Violation::new(Reason::BodyTooLarge, "the body exceeds its bound"));
        }
        let content = declared.content(&media(headers)?)?;
        let plain = coding::decoded(coding::coding(headers)?, body, bounds)?;
        content.check(&plain, bounds)?;
        Ok(plain)
    }
}

/// The media type, lower case; the only parameter that may stand with it is `charset=utf-8`.
fn media(headers: &HeaderMap) -> Result<String, Violation> {
    let refuse = |why: &str| Violation::new(Reason::ContentTypeRefused, why);
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| refuse("`Content-Type` is missing"))?.to_ascii_lowercase();
    let (essence, parameter) = text.split_once(';').unwrap_or((&text, ""));
    if matches!(parameter.trim(), "" | "charset=utf-8" | "charset=\"utf-8\"") {
        Ok(essence.trim().to_owned())
    } else {
        Err(refuse("`Content-Type` has a parameter other than `charset=utf-8`"))
    }
}
