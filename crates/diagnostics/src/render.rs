//! How is it shown? Findings as text with carets, as JSON, and as SARIF 2.1.0.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::{Finding, Severity, Sources, Span};

/// Findings as text for people; `color` for terminals.
#[must_use]
pub fn text(findings: &[Finding], sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for finding in findings {
        text.push_str(&renderer.render(&[group(finding, sources)]));
        text.push_str("\n\n");
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let of = |severity| findings.iter().filter(|one| one.severity == severity).count();
    let notes = of(Severity::Note);
    text.push_str(&format!(
        "{}, {}{}\n",
        count(errors, "error"),
        count(of(Severity::Warning), "warning"),
        if notes > 0 { format!(", {}", count(notes, "note")) } else { String::new() }
    ));
    text
}

/// Findings as a JSON array.
#[must_use]
pub fn json(findings: &[Finding], sources: &Sources) -> Value {
    let place = |span: &Span| {
        let (line, column) = sources.line_column(span).unzip();
        json!({"file": span.source.as_str(), "line": line, "column": column})
    };
    let rows = findings.iter().map(|finding| {
        json!({
            "code": finding.code,
            "severity": finding.severity.as_str(),
            "message": finding.message,
            "place": finding.span.as_ref().map(place),
            "why": finding.why,
            "fix": finding.fix,
            "related": finding.related.iter()
                .map(|(span, label)| json!({"place": place(span), "label": label}))
                .collect::<Vec<_>>(),
        })
    });
    Value::Array(rows.collect())
}

/// Findings as a SARIF log.
#[must_use]
pub fn sarif(findings: &[Finding], sources: &Sources) -> Value {
    let results = findings.iter().map(|finding| {
        let location = finding.span.as_ref().map(|span| {
            let (line, column) = sources.line_column(span).unwrap_or((1, 1));
            json!([{"physicalLocation": {
                "artifactLocation": {"uri": span.source.as_str()},
                "region": {"startLine": line, "startColumn": column},
            }}])
        });
        json!({
            "ruleId": finding.code,
            "level": finding.severity.as_str(),
            "message": {"text": format!("{}; {}; {}", finding.message, finding.why, finding.fix)},
            "locations": location.unwrap_or_else(|| json!([])),
        })
    });
    let mut rules: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    rules.sort_unstable();
    rules.dedup();
    json!({
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "portcullis",
                "rules": rules.iter().map(|id| json!({"id": id})).collect::<Vec<_>>(),
            }},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn group<'a>(finding: &'a Finding, sources: &'a Sources) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(finding.message.as_str()).id(finding.code);
    let mut group = Group::with_title(title);
    let primary = finding.span.iter().map(|span| (AnnotationKind::Primary, span, &finding.label));
    let related =
        finding.related.iter().map(|(span, label)| (AnnotationKind::Context, span, label));
    for (kind, span, label) in primary.chain(related) {
        let Some(text) = sources.text(&span.source) else { continue };
        let range =
            span.start.min(text.len())..span.end.min(text.len()).max(span.start.min(text.len()));
        let annotation = kind.span(range).label(label.as_str());
        group =
            group.element(Snippet::source(text).path(span.source.as_str()).annotation(annotation));
    }
    if !finding.why.is_empty() {
        group = group.element(Level::NOTE.with_name("why").message(finding.why.as_str()));
    }
    if !finding.fix.is_empty() {
        group = group.element(Level::HELP.with_name("fix").message(finding.fix.as_str()));
    }
    group
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}
