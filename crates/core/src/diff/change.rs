//! How is a change said? Where, what, and what it does to those who come from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};

use serde::Serialize;

use super::words::words;

/// What a change does to those who come from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It lets something through that did not come through before.
    Widens,
    /// It may do either, or both.
    CannotBeTold,
    /// It keeps something out that came through before.
    Narrows,
    /// It does neither.
    Neutral,
}

impl Effect {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Widens => "widens",
            Self::CannotBeTold => "cannot be told",
            Self::Narrows => "narrows",
            Self::Neutral => "neutral",
        }
    }

    /// What the opposite change does.
    pub(super) const fn reversed(self) -> Self {
        match self {
            Self::Widens => Self::Narrows,
            Self::Narrows => Self::Widens,
            same @ (Self::CannotBeTold | Self::Neutral) => same,
        }
    }

    /// What two of them do together.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Neutral, other) | (other, Self::Neutral) => other,
            _ => Self::CannotBeTold,
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Part of the estate, such as `boundaries`.
    pub section: &'static str,
    /// Which thing of it; empty where there is only one.
    pub name: String,
    /// What it does.
    pub effect: Effect,
    /// What changed, in words.
    pub said: String,
}

/// Changes as they are found.
#[derive(Debug, Default)]
pub(super) struct Changes {
    found: Vec<Change>,
}

impl Changes {
    pub(super) fn into_sorted(mut self) -> Vec<Change> {
        self.found.sort();
        self.found
    }

    /// The changes of one thing.
    pub(super) fn of(&mut self, section: &'static str, name: &str) -> Thing<'_> {
        Thing { changes: self, section, name: name.to_owned() }
    }

    /// Says what is new and what is gone; hands what is in both to `compare`.
    pub(super) fn named<K: Ord + Display, T>(
        &mut self,
        section: &'static str,
        added: Effect,
        (old, new): (&BTreeMap<K, T>, &BTreeMap<K, T>),
        mut compare: impl FnMut(&T, &T, &mut Thing<'_>),
    ) {
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            self.of(section, &name.to_string()).say(added.reversed(), "removed");
        }
        for (name, is) in new {
            let mut thing = self.of(section, &name.to_string());
            match old.get(name) {
                None => thing.say(added, "added"),
                Some(was) => compare(was, is, &mut thing),
            }
        }
    }
}

/// Takes the changes of one thing.
#[derive(Debug)]
pub(super) struct Thing<'c> {
    changes: &'c mut Changes,
    section: &'static str,
    name: String,
}

impl Thing<'_> {
    pub(super) fn say(&mut self, effect: Effect, said: impl Into<String>) {
        let (section, name) = (self.section, self.name.clone());
        self.changes.found.push(Change { section, name, effect, said: said.into() });
    }

    /// A value that does the same whatever it is.
    pub(super) fn value<T: PartialEq + Debug>(
        &mut self,
        effect: Effect,
        what: &str,
        was: &T,
        is: &T,
    ) {
        if was != is {
            self.say(effect, format!("{what}: {} -> {}", words(was), words(is)));
        }
    }

    /// A bound: a greater one widens.
    pub(super) fn bound<T: PartialOrd + Debug>(&mut self, what: &str, was: &T, is: &T) {
        let effect = if is > was { Effect::Widens } else { Effect::Narrows };
        self.value(effect, what, was, is);
    }

    /// Members of a set, each of which does something by being there.
    pub(super) fn members<T: Ord + Display>(
        &mut self,
        added: Effect,
        what: &str,
        was: &BTreeSet<T>,
        is: &BTreeSet<T>,
    ) {
        for gone in was.difference(is) {
            self.say(added.reversed(), format!("{what} `{gone}` removed"));
        }
        for fresh in is.difference(was) {
            self.say(added, format!("{what} `{fresh}` added"));
        }
    }

    /// Whatever else differs, once everything that was compared is the same.
    pub(super) fn rest<T: PartialEq>(&mut self, was: &T, is: &T) {
        if was != is {
            self.say(Effect::CannotBeTold, "differs in a key that is not compared by meaning");
        }
    }
}
