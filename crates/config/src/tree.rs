//! What stands where in the file? The YAML as a tree with the place of every key and value, so
//! that whatever is found later can be shown in the text.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::{Location, Spanned};

/// Bytes of the text, from and to. The second file of a declaration goes on counting behind the
/// first: [`crate::problems::Places`] knows which file a byte is in.
pub(crate) type Bytes = (usize, usize);

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Bytes,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its place, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Bytes,
    pub(crate) value: Node,
}

impl Node {
    /// The value under a key; the first, where there are several.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Kind::List(_) | Kind::Null | Kind::Flag(_) | Kind::Number(_) | Kind::Text(_) => None,
        }
    }

    /// The same, behind so many bytes of other files.
    pub(crate) fn moved(mut self, by: usize) -> Self {
        let shifted = |(start, end): Bytes| (start.saturating_add(by), end.saturating_add(by));
        self.at = shifted(self.at);
        self.kind = match self.kind {
            Kind::List(items) => Kind::List(items.into_iter().map(|item| item.moved(by)).collect()),
            Kind::Map(entries) => {
                let entry = |Entry { key, key_at, value }| Entry {
                    key,
                    key_at: shifted(key_at),
                    value: Self::moved(value, by),
                };
                Kind::Map(entries.into_iter().map(entry).collect())
            }
            same @ (Kind::Null | Kind::Flag(_) | Kind::Number(_) | Kind::Text(_)) => same,
        };
        self
    }

    /// The entries of a mapping.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::List(_) | Kind::Null | Kind::Flag(_) | Kind::Number(_) | Kind::Text(_) => None,
        }
    }

    /// The place of what a path of keys and indices leads to, as far as it leads.
    pub(crate) fn place(&self, path: &[&str]) -> Bytes {
        let Some((first, rest)) = path.split_first() else { return self.at };
        match &self.kind {
            Kind::Map(_) => match self.get(first) {
                // a mapping is best shown by its key
                Some(entry) if rest.is_empty() && entry.value.is_container() => entry.key_at,
                Some(entry) => match entry.value.is_container() {
                    true if entry.value.lacks(rest) => entry.key_at,
                    _ => entry.value.place(rest),
                },
                None => self.at,
            },
            Kind::List(items) => {
                let item = first.parse::<usize>().ok().and_then(|index| items.get(index));
                item.map_or(self.at, |item| item.place(rest))
            }
            Kind::Null | Kind::Flag(_) | Kind::Number(_) | Kind::Text(_) => self.at,
        }
    }

    fn lacks(&self, path: &[&str]) -> bool {
        matches!((path.first(), &self.kind), (Some(key), Kind::Map(_)) if self.get(key).is_none())
    }

    const fn is_container(&self) -> bool {
        matches!(self.kind, Kind::Map(_) | Kind::List(_))
    }

    /// What it is, in words.
    pub(crate) const fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Flag(_) => "a truth value",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The plain value; of keys that stand twice, the first counts.
    pub(crate) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Flag(flag) => Value::Bool(*flag),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => {
                let pairs = entries.iter().rev();
                Value::Object(pairs.map(|e| (e.key.clone(), e.value.to_json())).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self { at: bytes(&spanned.referenced), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

fn bytes(location: &Location) -> Bytes {
    let read = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
    let start = read(location.span().byte_offset()).unwrap_or(0);
    let length = read(location.span().byte_len()).unwrap_or(0);
    (start, start.saturating_add(length))
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Kind, E> {
        Ok(Kind::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Kind, E> {
        Number::from_f64(number).map(Kind::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value = entries.next_value()?;
            map.push(Entry { key_at: bytes(&key.referenced), key: key.value, value });
        }
        Ok(Kind::Map(map))
    }
}
