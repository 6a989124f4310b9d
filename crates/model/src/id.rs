//! Which declared thing is meant? One type per kind of name, so that a zone is never passed
//! where an API is expected.
//!
//! A name is cheap to clone (shared text). Names are checked where they are declared
//! (`config`), not here.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as the name.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The name as declared.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }
    )*};
}

names! {
    /// A declared API: one contract, one owner, one upstream.
    ApiId;
    /// A declared crossing from one zone to another.
    BoundaryId;
    /// A declared limit.
    LimitId;
    /// A declared listening socket.
    ListenerId;
    /// An operation of an API: method and path template, named by its `operationId`.
    OperationId;
    /// A declared identity provider.
    ProviderId;
    /// One decision's record. Time-ordered, unique per node, opaque to clients.
    RecordId;
    /// A declared upstream.
    UpstreamId;
    /// A declared zone: things that trust each other alike.
    ZoneId;
}
