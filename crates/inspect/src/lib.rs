//! Is the message what its contract says?
