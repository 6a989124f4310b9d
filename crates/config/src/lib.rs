//! Declaration files become a resolved [`Declaration`], with every problem found at once.

pub mod declaration;

pub use declaration::Declaration;
