//! Which words may a policy use?
use std::collections::BTreeMap;

use portcullis_spec::ApiModel;

/// Type of a declared principal attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// A truth value (`Bool`).
    Flag,
    /// A whole number (`Long`).
    Number,
    /// A text (`String`).
    Text,
    /// A set of texts (`Set<String>`).
    Texts,
}

/// Schema.
#[must_use]
pub fn cedar_schema(apis: &[&ApiModel], attributes: &BTreeMap<String, AttributeType>) -> String {
    let _ = (apis, attributes);
    String::new()
}
