//! What does this message say, in one way only?
