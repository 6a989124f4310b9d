//! What was found wrong with the declaration, and where? Every module of the reader says what it
//! finds into one [`Problems`], by a path of keys; the place in the text is looked up here.

use std::collections::BTreeSet;

use portcullis_diagnostics::{Finding, SourceId, Span};

use crate::tree::{Bytes, Node};

/// The part of a finding that is the same for every declaration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// `PC01…`.
    pub(crate) code: &'static str,
    /// Why it matters.
    pub(crate) why: &'static str,
    /// What to do, unless a finding knows better.
    pub(crate) fix: &'static str,
}

/// Which file is a byte in? The files of a declaration share one row of bytes, each with the place
/// where it begins.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    files: Vec<(&'a SourceId, usize)>,
}

impl<'a> Places<'a> {
    /// One file, at the beginning.
    pub(crate) fn new(source: &'a SourceId) -> Self {
        Self { files: vec![(source, 0)] }
    }

    /// A further file, which begins there.
    pub(crate) fn and(mut self, source: &'a SourceId, begin: usize) -> Self {
        self.files.push((source, begin));
        self
    }

    fn span(&self, (start, end): Bytes) -> Option<Span> {
        let (source, begin) = self.files.iter().rfind(|(_, begin)| *begin <= start)?;
        let within = |at: usize| at.saturating_sub(*begin);
        Some(Span::new((*source).clone(), within(start), within(end)))
    }

    /// The order of the text.
    fn order(&self, span: Option<&Span>) -> Option<(usize, usize)> {
        let span = span?;
        let file = self.files.iter().position(|(source, _)| **source == span.source)?;
        Some((file, span.start))
    }
}

/// Findings about one declaration.
#[derive(Debug)]
pub(crate) struct Problems<'a> {
    places: Places<'a>,
    tree: Option<Node>,
    findings: Vec<Finding>,
    /// Paths of values that were not understood.
    doubted: Vec<Vec<String>>,
    /// Paths of words that were almost right, and count as the ones that were most likely meant.
    guessed: Vec<Vec<String>>,
    /// Kinds of things that a wrong name may have been meant for.
    misnamed: BTreeSet<&'static str>,
}

impl<'a> Problems<'a> {
    pub(crate) const fn new(places: Places<'a>) -> Self {
        let misnamed = BTreeSet::new();
        Self {
            places,
            tree: None,
            findings: Vec::new(),
            doubted: Vec::new(),
            guessed: Vec::new(),
            misnamed,
        }
    }

    /// From here on, paths are those of this tree.
    pub(crate) fn look_up_in(&mut self, tree: Node) {
        self.tree = Some(tree);
    }

    /// What stands at the path is not what was written, and the error is said already: what is
    /// found wrong with it, or with what it belongs to, would only follow from that.
    pub(crate) fn doubt(&mut self, path: &[String]) {
        self.doubted.push(path.to_vec());
    }

    /// What stands at the path is a guess at what was meant, and the error is said already.
    pub(crate) fn guess(&mut self, path: &[String]) {
        self.guessed.push(path.to_vec());
    }

    /// Whether anything at the path, or below it, was guessed: what is missing beside it may be what
    /// was meant.
    pub(crate) fn is_guessed(&self, path: &[&str]) -> bool {
        let below = |guessed: &Vec<String>| {
            guessed.len() >= path.len() && guessed.iter().zip(path).all(|(one, two)| one == two)
        };
        self.guessed.iter().any(below)
    }

    /// Whether something may be missing only because its name, or something else, was mistyped.
    pub(crate) fn is_doubtful(&self, kind: &str) -> bool {
        !self.doubted.is_empty() || self.misnamed.contains(kind)
    }

    fn is_known(&self, path: &[&str]) -> bool {
        let same = |doubted: &Vec<String>| doubted.iter().zip(path).all(|(one, two)| one == two);
        self.doubted.iter().any(same)
    }

    /// Says an error about what the path leads to.
    pub(crate) fn error(&mut self, rule: Rule, path: &[&str], message: impl Into<String>) {
        if self.is_known(path) {
            return;
        }
        let finding = Finding::error(rule.code, message).at(self.span(path), "here");
        self.findings.push(finding.why(rule.why).fix(rule.fix));
    }

    /// Says a warning about what the path leads to.
    pub(crate) fn warning(&mut self, rule: Rule, path: &[&str], message: impl Into<String>) {
        let finding = Finding::warning(rule.code, message).at(self.span(path), "here");
        self.findings.push(finding.why(rule.why).fix(rule.fix));
    }

    /// Says an error about bytes of the text, with a fix of its own.
    pub(crate) fn error_at(
        &mut self,
        rule: Rule,
        at: Bytes,
        message: impl Into<String>,
        fix: Option<String>,
    ) {
        let finding = Finding::error(rule.code, message).at(self.bytes(at), "here");
        self.findings.push(finding.why(rule.why).fix(fix.unwrap_or_else(|| rule.fix.to_owned())));
    }

    /// Says that a name stands for nothing, with the names that do.
    pub(crate) fn dangling<'n>(
        &mut self,
        path: &[&str],
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        if self.is_known(path) {
            return;
        }
        self.misnamed.insert(kind);
        let known: Vec<&str> = known.into_iter().collect();
        let fix = match portcullis_diagnostics::closest(name, known.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None if known.is_empty() => format!("declare it; there is no {kind} yet"),
            None => format!("declare it, or use one of: {}", known.join(", ")),
        };
        let finding = Finding::error("PC0110", format!("there is no {kind} `{name}`"))
            .at(self.span(path), "not declared")
            .why("a name that stands for nothing leaves a rule without effect");
        self.findings.push(finding.fix(fix));
    }

    /// The place that a path leads to.
    pub(crate) fn span(&self, path: &[&str]) -> Span {
        self.bytes(self.tree.as_ref().map_or((0, 0), |tree| tree.place(path)))
    }

    /// Adds another place to the finding that was said last.
    pub(crate) fn related(&mut self, path: &[&str], label: &str) {
        if self.is_known(path) {
            return;
        }
        let span = self.span(path);
        if let Some(last) = self.findings.pop() {
            self.findings.push(last.related(span, label));
        }
    }

    /// How many findings were said.
    pub(crate) const fn count(&self) -> usize {
        self.findings.len()
    }

    /// The findings, in the order of the text, each once.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        let places = &self.places;
        self.findings.sort_by_key(|finding| places.order(finding.span.as_ref()));
        self.findings.dedup();
        self.findings
    }

    fn bytes(&self, at: Bytes) -> Span {
        // the first file begins at 0, so there is always one
        self.places.span(at).unwrap_or_else(|| Span::whole(SourceId::new("")))
    }
}
