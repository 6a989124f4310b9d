//! What was found wrong with the contract, and where?
//!
//! Every module of the reader says what it finds into one [`Report`], by JSON pointer; the place
//! in the text is looked up here.

use portcullis_diagnostics::{Finding, SourceId, Span};

use crate::place;

/// Findings about one contract.
pub(crate) struct Report<'a> {
    source: &'a SourceId,
    text: &'a str,
    findings: Vec<Finding>,
}

/// The part of a finding that is the same for every contract.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// `PC02…`.
    pub(crate) code: &'static str,
    /// Why it matters.
    pub(crate) why: &'static str,
    /// What to do.
    pub(crate) fix: &'static str,
}

/// Callbacks and webhooks.
pub(crate) const OUTWARD: Rule = Rule {
    code: "PC0208",
    why: "requests that the upstream sends to others do not pass this boundary",
    fix: "nothing, if they are protected elsewhere",
};

impl<'a> Report<'a> {
    pub(crate) const fn new(source: &'a SourceId, text: &'a str) -> Self {
        Self { source, text, findings: Vec::new() }
    }

    /// Says an error about what `pointer` names.
    pub(crate) fn error(&mut self, rule: Rule, pointer: &str, message: impl Into<String>) {
        self.push(Finding::error(rule.code, message), rule, pointer);
    }

    /// Says a warning about what `pointer` names.
    pub(crate) fn warning(&mut self, rule: Rule, pointer: &str, message: impl Into<String>) {
        self.push(Finding::warning(rule.code, message), rule, pointer);
    }

    /// Says an error about bytes of the text.
    pub(crate) fn error_at(&mut self, rule: Rule, bytes: (usize, usize), message: String) {
        let span = Span::new(self.source.clone(), bytes.0, bytes.1);
        let finding = Finding::error(rule.code, message).at(span, "here");
        self.findings.push(finding.why(rule.why).fix(rule.fix));
    }

    /// Whether the contract cannot be used.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }

    /// Everything that was said, in the order of the text.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        let start = |finding: &Finding| finding.span.as_ref().map_or(0, |span| span.start);
        self.findings.sort_by(|a, b| (start(a), a.code).cmp(&(start(b), b.code)));
        self.findings
    }

    fn push(&mut self, finding: Finding, rule: Rule, pointer: &str) {
        let span = match place::locate(self.text, pointer) {
            Some((start, end)) => Span::new(self.source.clone(), start, end),
            None => Span::whole(self.source.clone()),
        };
        self.findings.push(finding.at(span, "here").why(rule.why).fix(rule.fix));
    }
}
