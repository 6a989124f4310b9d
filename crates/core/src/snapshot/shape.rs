//! Does a contract say the same about an operation's messages as another one? A digest over its
//! parameters, its body and every schema that they lead to.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use portcullis_spec::Messages;
use serde_json::Value;

/// The digest of what the messages of an operation must be.
pub(super) fn digest(document: &Value, messages: &Messages) -> [u8; 32] {
    let mut shape =
        Shape { document, seen: BTreeSet::new(), context: digest::Context::new(&digest::SHA256) };
    for parameter in &messages.parameters {
        let (place, list) = (parameter.location.as_str(), parameter.array);
        shape.text(&format!("{} {place} {} {list:?}", parameter.name, parameter.required));
        shape.schema(&parameter.schema);
    }
    if let Some(body) = &messages.body {
        shape.text(&format!("body {}", body.required));
        for (media, schema) in &body.content {
            shape.text(media);
            shape.schema(schema);
        }
    }
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(shape.context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

struct Shape<'a> {
    document: &'a Value,
    seen: BTreeSet<&'a str>,
    context: digest::Context,
}

impl<'a> Shape<'a> {
    fn text(&mut self, text: &str) {
        self.context.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.context.update(text.as_bytes());
    }

    /// A schema, and what its references lead to, each once.
    fn schema<'s: 'a>(&mut self, schema: &'s Value)
    where
        'a: 's,
    {
        self.text(&schema.to_string());
        let mut waiting = vec![schema];
        while let Some(value) = waiting.pop() {
            match value {
                Value::Object(members) => {
                    for (key, inner) in members {
                        if let ("$ref", Some(reference)) = (key.as_str(), inner.as_str())
                            && self.seen.insert(reference)
                            && let Some(target) = reference
                                .strip_prefix('#')
                                .and_then(|pointer| self.document.pointer(pointer))
                        {
                            self.text(reference);
                            self.text(&target.to_string());
                            waiting.push(target);
                        }
                        waiting.push(inner);
                    }
                }
                Value::Array(items) => waiting.extend(items),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
    }
}
