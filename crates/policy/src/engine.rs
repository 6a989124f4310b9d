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
        let what = format!("{} policy file(s) cannot be compiled", files.len());
        let finding = Finding::error("PC0300", what)
            .why("this version compiles no policies, and without a policy nothing is permitted")
            .fix(format!("none yet; the schema they would be held to has {} bytes", schema.len()));
        (None, vec![finding])
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
