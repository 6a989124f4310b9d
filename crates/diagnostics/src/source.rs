//! Where is it? Source texts by name, and byte ranges in them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Names a source: the path of a file relative to the estate, with `/` between folders.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(Arc<str>);

impl SourceId {
    /// Takes the path as the name.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self(Arc::from(path))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A byte range in a source. An empty range at 0 means the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// In which source.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A range in a source.
    #[must_use]
    pub const fn new(source: SourceId, start: usize, end: usize) -> Self {
        Self { source, start, end }
    }

    /// The file as a whole.
    #[must_use]
    pub const fn whole(source: SourceId) -> Self {
        Self { source, start: 0, end: 0 }
    }
}

/// The texts that spans point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    texts: BTreeMap<SourceId, Arc<str>>,
}

impl Sources {
    /// Adds or replaces a text.
    pub fn insert(&mut self, id: SourceId, text: impl Into<Arc<str>>) {
        self.texts.insert(id, text.into());
    }

    /// The text of a source.
    #[must_use]
    pub fn text(&self, id: &SourceId) -> Option<&str> {
        self.texts.get(id).map(AsRef::as_ref)
    }

    /// Line and column (both from 1, columns in characters) of a span's start.
    #[must_use]
    pub fn line_column(&self, span: &Span) -> Option<(usize, usize)> {
        let before = self.text(&span.source)?.get(..span.start)?;
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.chars().rev().take_while(|c| *c != '\n').count().saturating_add(1);
        Some((line, column))
    }
}
