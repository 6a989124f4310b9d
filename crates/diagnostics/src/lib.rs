//! How we say what is wrong.
//!
//! A [`Finding`] has a stable code, a severity, a place, what is wrong, why it matters and how to
//! mend it. Analyses return `(Option<T>, Vec<Finding>)` and never stop at the first problem.
//! Rendering is separate from finding: text with carets, JSON, SARIF. What a code means in general
//! stands in [`codes`].

pub mod codes;
pub mod finding;
pub mod render;
pub mod source;
pub mod suggest;

pub use finding::{Finding, Severity};
pub use source::{SourceId, Sources, Span};
pub use suggest::closest;
