//! May it?
use portcullis_diagnostics::{Finding, SourceId};
use portcullis_model::{ApiId, Principal};

use crate::question::{Question, Verdict};

/// Compiled policies.
#[derive(Debug)]
pub struct Engine;

/// A principal in Cedar's terms.
#[derive(Clone, Debug)]
pub struct PreparedPrincipal;

impl Engine {
    /// Compiles.
    #[must_use]
    pub fn compile(schema: &str, files: &[(SourceId, String)]) -> (Option<Self>, Vec<Finding>) {
        let _ = (schema, files);
        (None, Vec::new())
    }

    /// Prepares.
    #[must_use]
    pub fn prepare(&self, principal: &Principal, api: &ApiId) -> PreparedPrincipal {
        let _ = (principal, api);
        PreparedPrincipal
    }

    /// Decides.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Verdict {
        self.decide_prepared(&self.prepare(question.principal, question.api), question)
    }

    /// Decides.
    #[must_use]
    pub fn decide_prepared(
        &self,
        principal: &PreparedPrincipal,
        question: &Question<'_>,
    ) -> Verdict {
        let _ = (principal, question);
        Verdict {
            decision: portcullis_model::Decision::Deny,
            determining: Vec::new(),
            reason: Some(portcullis_model::Reason::NotPermitted),
            errors: Vec::new(),
        }
    }
}
