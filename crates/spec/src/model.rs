//! What does an API offer? The one shape that every contract language is read into.
//!
//! Everything here is plain data. Nothing in it can be wrong in a way that the reader should
//! have noticed: templates have whole segments only, every path parameter is declared, every
//! schema stands on its own or points into [`Contract::document`]. What is needed to decide
//! ([`ApiModel`]) stands apart from what is needed once, to compile what messages must be. What a contract says about
//! servers, callbacks and webhooks is left out: where an API is served is the declaration's word,
//! and Portcullis carries requests in one direction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis_model::{ApiId, Method, OperationId};
use serde_json::Value;

/// A contract, read: what it offers, and what its messages must be.
#[derive(Clone, Debug)]
pub struct Contract {
    /// What it offers.
    pub model: ApiModel,
    /// The whole contract, with every schema in JSON Schema 2020-12. A `$ref` in a schema of its
    /// messages is a JSON pointer (RFC 6901, URI fragment form) into it.
    pub document: Arc<Value>,
    /// One for each operation of the model, in their order.
    messages: Vec<Messages>,
}

impl Contract {
    pub(crate) fn new(
        model: impl FnOnce(Vec<Operation>) -> ApiModel,
        operations: Vec<(Operation, Messages)>,
        document: Value,
    ) -> Self {
        let (operations, messages) = operations.into_iter().unzip();
        Self { model: model(operations), document: Arc::new(document), messages }
    }

    /// Its operations, and what their messages must be.
    pub fn operations(&self) -> impl Iterator<Item = (&Operation, &Messages)> {
        self.model.operations.iter().zip(&self.messages)
    }
}

/// What an API offers.
#[derive(Clone, Debug)]
pub struct ApiModel {
    /// The declared API that this is the contract of.
    pub api: ApiId,
    /// `info.title`, or the API's name.
    pub title: String,
    /// `info.version`, or nothing.
    pub version: String,
    /// Its operations, sorted by id. Ids are unique, and so are method and template.
    pub operations: Vec<Operation>,
}

/// One method on one path template.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `operationId`, or a slug of method and template.
    pub id: OperationId,
    /// The method. `HEAD` is not implied by `GET`.
    pub method: Method,
    /// The path, below the declared base path.
    pub template: PathTemplate,
    /// Alternatives, each of which is enough. Empty means public.
    pub security: Vec<SecurityRequirement>,
    /// Tags in the contract's order.
    pub tags: Vec<String>,
    /// What it acts on.
    pub resource: ResourceRule,
    /// Whether callers are told to leave it.
    pub deprecated: bool,
}

/// What the requests of an operation must be.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// Parameters of the path item and of the operation, merged; sorted by location and name.
    pub parameters: Vec<Parameter>,
    /// The request body, if the operation takes one.
    pub body: Option<RequestBody>,
}

impl Operation {
    /// Whether a caller without any credential satisfies the contract.
    #[must_use]
    pub fn allows_anonymous(&self) -> bool {
        allow_anonymous(&self.security)
    }
}

/// Whether no alternative is left to satisfy, or one of them asks for nothing.
pub(crate) fn allow_anonymous(alternatives: &[SecurityRequirement]) -> bool {
    alternatives.is_empty() || alternatives.iter().any(|one| one.schemes.is_empty())
}

/// A path template such as `/orders/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    /// As written in the contract.
    pub text: String,
    /// Its segments; none for `/`. A final empty segment (`/orders/`) is an empty literal.
    pub segments: Vec<Segment>,
}

/// One segment of a template: all of it is fixed, or all of it is a parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Canonical text (unreserved and sub-delimiter characters, no percent escapes).
    Literal(String),
    /// A path parameter, by name.
    Parameter(String),
}

/// A parameter outside the body.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name; header names are lower case.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    /// Whether a request without it breaks the contract. Always true in paths.
    pub required: bool,
    /// Its schema: inline, or `{"$ref": "#/…"}` into [`Contract::document`].
    pub schema: Value,
    /// How several values are written, where its schema is an array; `None` for single values.
    pub array: Option<ArrayStyle>,
    /// JSON pointer of its definition in [`Contract::document`].
    pub pointer: String,
}

/// Where a parameter stands. Sorted as a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// A segment of the path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
    /// The `Cookie` header.
    Cookie,
}

impl Location {
    /// The contract's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// How the values of an array stand in the request (OpenAPI 3.1 section 4.8.12.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayStyle {
    /// One text with `,` between the values (`simple`, or `form` without explode).
    Commas,
    /// The name once per value (`form` with explode).
    Repeated,
}

/// A request body.
#[derive(Clone, Debug)]
pub struct RequestBody {
    /// Whether a request without one breaks the contract.
    pub required: bool,
    /// Media type essence (lower case, without parameters) → schema, inline or `{"$ref": "#/…"}`.
    pub content: BTreeMap<String, Value>,
    /// JSON pointer of its definition in [`Contract::document`].
    pub pointer: String,
}

/// One alternative of an operation's security: all of its schemes together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecurityRequirement {
    /// Security scheme → scopes that it must carry. No scheme at all means that this alternative
    /// asks for nothing.
    pub schemes: BTreeMap<String, BTreeSet<String>>,
}

/// What an operation acts on, in Cedar's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRule {
    /// Entity type, without namespace: `Order`, `OrderCollection`.
    pub entity: String,
    /// Path parameter whose value is the resource's id; `None` for collections.
    pub id: Option<String>,
    /// How the resource's tenant is known.
    pub tenant: TenantSource,
    /// Why the operation is meant to be public, where the contract says so.
    pub public: Option<String>,
}

/// How the tenant of a resource is known before the upstream has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantSource {
    /// The resource has no tenant: it is the same for everybody. Must be spelled.
    None,
    /// From the path parameter of this name. The boundary itself compares it with the caller's.
    PathParam(String),
    /// From the caller: the path says nothing, so the boundary forwards the caller's verified
    /// tenant in `x-portcullis-tenant` and the upstream scopes by it. The resource's tenant in a
    /// decision is then the caller's own, and a caller without a tenant is refused.
    Token,
}
