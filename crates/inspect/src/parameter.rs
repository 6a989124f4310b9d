//! Are the parameters of a request what its contract says? Each parameter has one reading: where two
//! parties could cut its values differently, it is refused.

use std::sync::Arc;

use jsonschema::Validator;
use portcullis_model::Reason;
use portcullis_reading::cookie;
use portcullis_reading::message::Message;
use portcullis_reading::violation::Violation;
use portcullis_spec::{ArrayStyle, Location};
use serde_json::Value;

use crate::coerce;
use crate::schema::{self, Schemas, Unenforceable};

/// A parameter, compiled.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) location: Location,
    required: bool,
    shape: Shape,
    schema: Arc<Validator>,
}

/// How many values it has, and of which type they are.
#[derive(Debug)]
enum Shape {
    One(Option<String>),
    Many(ArrayStyle, Option<String>),
}

impl Parameter {
    /// Compiles a parameter of an operation.
    pub(crate) fn compile(
        schemas: &mut Schemas,
        document: &Arc<Value>,
        operation: &str,
        declared: &portcullis_spec::Parameter,
    ) -> Result<Self, Unenforceable> {
        let schema = schemas.validator(document, &declared.schema).map_err(|why| {
            Unenforceable::new(
                &format!("parameter `{}` of `{operation}`", declared.name),
                &why,
                &declared.pointer,
            )
        })?;
        let shape = match declared.array {
            None => Shape::One(schema::kind(document, &declared.schema)),
            Some(style) => Shape::Many(style, schema::item_kind(document, &declared.schema)),
        };
        Ok(Self {
            name: declared.name.clone(),
            location: declared.location,
            required: declared.required,
            shape,
            schema,
        })
    }

    /// Checks the values of this parameter in a request.
    ///
    /// # Errors
    /// `inspect.parameter_refused`, naming the parameter and never its value.
    pub(crate) fn check(&self, message: &Message, path: &[(&str, &str)]) -> Result<(), Violation> {
        let texts = self.texts(message, path)?;
        if texts.is_empty() {
            return if self.required { Err(self.refuse("is missing")) } else { Ok(()) };
        }
        let value = match (&self.shape, texts.as_slice()) {
            (Shape::One(kind), [text]) => coerce::value(text, kind.as_deref()),
            (Shape::One(_), _) => return Err(self.refuse("stands more than once")),
            (Shape::Many(ArrayStyle::Repeated, kind), texts) => list(texts.iter().copied(), kind),
            (Shape::Many(ArrayStyle::Commas, kind), texts) => {
                if texts.len() > 1 && self.location != Location::Header {
                    return Err(self.refuse("stands more than once"));
                }
                if texts.iter().any(|text| text.contains(',')) && self.comma_is_encoded(message) {
                    return Err(self.refuse("may have an encoded `,` between its values"));
                }
                let cut = texts.iter().flat_map(|text| text.split(','));
                // blanks around commas mean nothing in headers, and something everywhere else
                if self.location == Location::Header {
                    list(cut.map(str::trim_ascii), kind)
                } else {
                    list(cut, kind)
                }
            }
        };
        if self.schema.is_valid(&value) {
            Ok(())
        } else {
            Err(self.refuse("does not match its schema"))
        }
    }

    /// Its texts as they stand in the request, decoded.
    fn texts<'a>(
        &self,
        message: &'a Message,
        path: &[(&str, &'a str)],
    ) -> Result<Vec<&'a str>, Violation> {
        let named = |(name, _): &(&str, &str)| *name == self.name;
        Ok(match self.location {
            Location::Path => path.iter().copied().filter(named).map(|(_, text)| text).collect(),
            Location::Query => {
                let pairs = message.query.pairs.iter();
                let pairs = pairs.map(|(name, text)| (name.as_str(), text.as_str()));
                pairs.filter(named).map(|(_, text)| text).collect()
            }
            Location::Header => {
                let mut texts = Vec::new();
                for value in message.headers.get_all(&self.name) {
                    let text = value.to_str().map_err(|_| self.refuse("is not plain text"))?;
                    texts.push(text);
                }
                texts
            }
            Location::Cookie => self.cookies(message)?,
        })
    }

    /// Cookies are not encoded in any agreed way: what some readers would decode is refused.
    fn cookies<'a>(&self, message: &'a Message) -> Result<Vec<&'a str>, Violation> {
        let pairs = cookie::pairs(&message.headers)
            .ok_or_else(|| self.refuse("stands in a `Cookie` header that cannot be read"))?;
        let texts: Vec<&str> = pairs
            .into_iter()
            .filter(|(name, _)| *name == self.name)
            .map(|(_, text)| text)
            .collect();
        if texts.iter().any(|text| text.contains(['%', '"', '\\', ' ', '\t'])) {
            return Err(self.refuse("has a character that some readers decode"));
        }
        Ok(texts)
    }

    /// Whether a `,` may have come encoded: one party cuts before it decodes, another after.
    fn comma_is_encoded(&self, message: &Message) -> bool {
        let raw = match self.location {
            Location::Query => message.query.raw.as_deref().unwrap_or_default(),
            Location::Path => message.path.as_str(),
            Location::Header | Location::Cookie => "",
        };
        raw.contains("%2C") || raw.contains("%2c")
    }

    fn refuse(&self, why: &str) -> Violation {
        let detail = format!("{} parameter `{}` {why}", self.location.as_str(), self.name);
        Violation::new(Reason::ParameterRefused, detail)
    }
}

fn list<'a>(texts: impl Iterator<Item = &'a str>, kind: &Option<String>) -> Value {
    Value::Array(texts.map(|text| coerce::value(text, kind.as_deref())).collect())
}
