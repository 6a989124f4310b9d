//! OpenAPI contracts become one ApiModel.
