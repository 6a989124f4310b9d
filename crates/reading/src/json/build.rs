//! Builds a value from what the machine reports.

use serde_json::{Map, Number, Value};

use super::machine::Sink;
use super::names::Container;

/// Digits of an integer that fits into 64 bits whatever they are.
const SHORT_INTEGER_DIGITS: usize = 18;

/// Elements that an array gets room for when its first one arrives.
const FIRST_ROOM: usize = 4;

#[derive(Debug)]
enum Open {
    Array(Vec<Value>),
    Object(Map<String, Value>, String),
}

/// The value so far.
#[derive(Debug, Default)]
pub(super) struct Builder {
    open: Vec<Open>,
    whole: Option<Value>,
}

impl Builder {
    /// The value, once the machine has finished.
    pub(super) fn into_value(self) -> Option<Value> {
        self.whole
    }

    #[inline]
    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.whole = Some(value),
            Some(Open::Array(elements)) => {
                if elements.is_empty() {
                    elements.reserve(FIRST_ROOM);
                }
                elements.push(value);
            }
            Some(Open::Object(members, name)) => {
                members.insert(std::mem::take(name), value);
            }
        }
    }
}

impl Sink for Builder {
    const KEEPS_TEXT: bool = true;

    fn literal(&mut self, value: Option<bool>) {
        self.put(value.map_or(Value::Null, Value::Bool));
    }

    fn number(&mut self, text: &str) -> bool {
        let number = number(text);
        let known = number.is_some();
        self.put(number.map_or(Value::Null, Value::Number));
        known
    }

    fn string(&mut self, text: &str) {
        self.put(Value::String(text.to_owned()));
    }

    fn name(&mut self, text: &str) {
        if let Some(Open::Object(_, name)) = self.open.last_mut() {
            text.clone_into(name);
        }
    }

    fn open(&mut self, container: Container) {
        self.open.push(match container {
            Container::Array => Open::Array(Vec::new()),
            Container::Object => Open::Object(Map::new(), String::new()),
        });
    }

    fn close(&mut self) {
        match self.open.pop() {
            None => {}
            Some(Open::Array(elements)) => self.put(Value::Array(elements)),
            Some(Open::Object(members, _)) => self.put(Value::Object(members)),
        }
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let short = digits.len() <= SHORT_INTEGER_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    // `-0` is not the integer 0: it keeps its sign as text.
    if short && digits != "0" {
        return text.parse::<i64>().ok().map(Number::from);
    }
    text.parse().ok()
}
