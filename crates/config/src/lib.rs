//! What is declared? Declaration files become a resolved [`Declaration`], with every problem
//! found at once.

mod check;
pub mod declaration;
mod document;
mod overlay;
mod problems;
mod quantity;
pub mod read;
mod resolve;
mod shape;
mod tree;

pub use declaration::Declaration;
pub use document::ADMIN_SOCKET;
pub use read::{json_schema, overlay_json_schema, read, read_as_meant, read_overlaid_as_meant};
