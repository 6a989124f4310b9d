//! What changed in meaning between two snapshots, and does it let more through or less?
//!
//! Not the texts are compared but what they were compiled to: a policy that was only moved to another
//! file, a key that now says its default, a contract with other words in its descriptions are no
//! change. Each change is marked by what it does to those who come from outside: it widens what can
//! cross, narrows it, is neutral to it, or cannot be told from the change alone. What two changes do
//! together is left out; `simulate` and `replay` answer that for requests.
//!
//! A part of the declaration that has no comparison of its own is still compared as a whole: it is then
//! said to differ, and what that does cannot be told. So no change is left unsaid.

mod access;
mod boundaries;
mod change;
mod operations;
mod policies;
mod process;
mod upstreams;
mod words;

use crate::snapshot::Snapshot;

pub use change::{Change, Effect};

/// Every change from one snapshot to another, by section and name.
#[must_use]
pub fn diff(old: &Snapshot, new: &Snapshot) -> Vec<Change> {
    let mut changes = change::Changes::default();
    let (was, is) = (&old.declaration, &new.declaration);
    operations::operations(old, new, &mut changes);
    operations::apis(was, is, &mut changes);
    boundaries::boundaries(old, new, &mut changes);
    boundaries::limits(was, is, &mut changes);
    access::providers(was, is, &mut changes);
    access::listeners(was, is, &mut changes);
    policies::policies(&old.engine, &new.engine, &mut changes);
    upstreams::upstreams(was, is, &mut changes);
    process::process(was, is, &mut changes);
    changes.into_sorted()
}
