//! Is a body what its contract says? Its media type chooses the reading, each of which is strict and
//! bounded; its schema judges the value that was read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::Validator;
use portcullis_model::Reason;
use portcullis_reading::violation::Violation;
use portcullis_reading::{form, json};
use portcullis_spec::RequestBody;
use serde_json::{Map, Value};

use crate::coerce;
use crate::exact;
use crate::schema::{self, Schemas, Unenforceable};

/// Bounds of a body.
#[derive(Clone, Copy, Debug)]
pub struct BodyBounds {
    /// Largest body in bytes, after decompression too.
    pub bytes_max: usize,
    /// Deepest nesting.
    pub json_depth_max: u16,
    /// Largest ratio of decompressed to compressed size.
    pub expansion_max: u32,
}

/// The bodies that an operation takes.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) required: bool,
    content: BTreeMap<String, Content>,
}

/// What a body of one media type must be.
#[derive(Debug)]
pub(crate) struct Content {
    reading: Reading,
    schema: Arc<Validator>,
}

/// How bytes become a value.
#[derive(Debug)]
enum Reading {
    /// Strict JSON.
    Json,
    /// `application/x-www-form-urlencoded`; the types of its fields.
    Form(BTreeMap<String, Field>),
    /// UTF-8 as one string.
    Text,
    /// Nothing is said about the bytes but their number.
    Bytes,
}

#[derive(Debug)]
struct Field {
    many: bool,
    kind: Option<String>,
}

impl Body {
    /// Compiles the bodies of an operation.
    pub(crate) fn compile(
        schemas: &mut Schemas,
        document: &Arc<Value>,
        operation: &str,
        declared: &RequestBody,
    ) -> Result<Self, Vec<Unenforceable>> {
        let (mut content, mut findings) = (BTreeMap::new(), Vec::new());
        for (media, schema) in &declared.content {
            let compiled = reading(document, media, schema).and_then(|reading| {
                schemas.validator(document, schema).map(|schema| Content { reading, schema })
            });
            match compiled {
                Ok(one) => drop(content.insert(media.clone(), one)),
                Err(why) => {
                    let what = format!("the body of `{operation}` as `{media}`");
                    findings.push(Unenforceable::new(&what, &why, &declared.pointer));
                }
            }
        }
        if findings.is_empty() {
            Ok(Self { required: declared.required, content })
        } else {
            Err(findings)
        }
    }

    /// What a body of this media type must be; asked before a byte of it is read or decoded.
    ///
    /// # Errors
    /// Where the contract does not list it.
    pub(crate) fn content(&self, media: &str) -> Result<&Content, Violation> {
        self.content.get(media).ok_or_else(|| {
            let detail = "`Content-Type` is not one that the contract lists";
            Violation::new(Reason::ContentTypeRefused, detail)
        })
    }
}

impl Content {
    /// Checks decoded bytes.
    ///
    /// # Errors
    /// Says where they break their schema, by JSON pointer, and never with what.
    pub(crate) fn check(&self, bytes: &[u8], bounds: &BodyBounds) -> Result<(), Violation> {
        let value = self.reading.value(bytes, bounds)?;
        if !exact::is_exact(&value) {
            let detail = "a number has more digits than can be judged";
            return Err(Violation::new(Reason::BodyRefused, detail));
        }
        match self.schema.iter_errors(&value).next() {
            None => Ok(()),
            Some(error) => {
                let place = error.instance_path().to_string();
                let detail = format!("`{place}` does not match its schema");
                Err(Violation::new(Reason::BodyRefused, detail))
            }
        }
    }
}

fn reading(document: &Value, media: &str, schema: &Value) -> Result<Reading, String> {
    let json = media.strip_prefix("application/").and_then(|rest| rest.strip_suffix("+json"));
    if media == "application/json" || json.is_some() {
        return Ok(Reading::Json);
    }
    let kind = schema::kind(document, schema);
    match (media, kind.as_deref()) {
        ("application/x-www-form-urlencoded", Some("object")) => {
            Ok(Reading::Form(fields(document, schema)))
        }
        ("application/x-www-form-urlencoded", _) => Err("a form needs `type: object`".to_owned()),
        ("text/plain", Some("string")) => Ok(Reading::Text),
        ("text/plain", _) => Err("a text needs `type: string`".to_owned()),
        ("application/octet-stream", _) if is_any_bytes(schema::resolved(document, schema)) => {
            Ok(Reading::Bytes)
        }
        ("application/octet-stream", _) => {
            Err("bytes take `type: string` with `format: binary` and nothing else".to_owned())
        }
        _ => Err("this media type is not checked".to_owned()),
    }
}

/// Whether a schema says no more of the bytes than that they are bytes.
fn is_any_bytes(schema: &Value) -> bool {
    let quiet = ["type", "format", "description", "title", "contentMediaType"];
    match schema {
        Value::Bool(all) => *all,
        Value::Object(members) => {
            members.keys().all(|name| quiet.contains(&name.as_str()))
                && members.get("type").is_none_or(|kind| kind == "string")
                && members.get("format").is_none_or(|format| format == "binary")
        }
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => false,
    }
}

fn fields(document: &Value, schema: &Value) -> BTreeMap<String, Field> {
    let properties =
        schema::resolved(document, schema).get("properties").and_then(Value::as_object);
    let field = |schema: &Value| match schema::kind(document, schema) {
        Some(kind) if kind == "array" => {
            Field { many: true, kind: schema::item_kind(document, schema) }
        }
        kind => Field { many: false, kind },
    };
    let properties = properties.into_iter().flatten();
    properties.map(|(name, schema)| (name.clone(), field(schema))).collect()
}

impl Reading {
    fn value(&self, bytes: &[u8], bounds: &BodyBounds) -> Result<Value, Violation> {
        let malformed = |why: String| Violation::new(Reason::BodyMalformed, why);
        match self {
            Self::Json => {
                let bounds = json::Bounds::new(bounds.json_depth_max, bounds.bytes_max);
                json::parse(bytes, &bounds).map_err(|error| malformed(error.to_string()))
            }
            Self::Text => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Value::String(text.to_owned())),
                Err(_) => Err(malformed("the text is not UTF-8".to_owned())),
            },
            Self::Bytes => Ok(Value::String(String::new())),
            Self::Form(fields) => form_value(bytes, fields),
        }
    }
}

/// The object that a form stands for. A field that stands twice has two readings, unless it is
/// declared as a list.
fn form_value(bytes: &[u8], fields: &BTreeMap<String, Field>) -> Result<Value, Violation> {
    let mut object = Map::new();
    for (name, text) in form::pairs(bytes)? {
        let field = fields.get(&*name);
        let value = coerce::value(&text, field.and_then(|field| field.kind.as_deref()));
        let name = Cow::into_owned(name);
        if field.is_some_and(|field| field.many) {
            let list = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(values) = list {
                values.push(value);
            }
        } else if object.insert(name, value).is_some() {
            let detail = "a field of the form stands more than once";
            return Err(Violation::new(Reason::BodyMalformed, detail));
        }
    }
    Ok(Value::Object(object))
}
