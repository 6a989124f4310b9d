//! What do the metrics say, as values? Reads our own text (OpenMetrics 1.0), so that whatever is sent
//! to a collector is exactly what Prometheus would have been told. It knows no more of the format
//! than [`crate::Metrics::text`] writes.

/// One metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    /// Its name, without the suffixes of its samples.
    pub name: String,
    /// What it counts.
    pub help: String,
    /// Its unit, in words; empty where it has none.
    pub unit: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What follows the name: `_total`, `_bucket`, `_sum`, `_count` or nothing.
    pub suffix: String,
    /// Labels with their values, unescaped.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

/// Reads the text; lines that it does not know are left out.
#[must_use]
pub fn families(text: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(comment) => describe(comment, &mut families),
            None => {
                if let Some(family) = families.last_mut()
                    && let Some(sample) = sample(line, &family.name)
                {
                    family.samples.push(sample);
                }
            }
        }
    }
    families
}

fn describe(comment: &str, families: &mut Vec<Family>) {
    let mut words = comment.splitn(3, ' ');
    let (Some(keyword), Some(name)) = (words.next(), words.next()) else { return };
    let text = words.next().unwrap_or_default().to_owned();
    if families.last().is_none_or(|last| last.name != name) {
        families.push(Family { name: name.to_owned(), ..Family::default() });
    }
    let Some(family) = families.last_mut() else { return };
    match keyword {
        "HELP" => family.help = text.trim_end_matches('.').to_owned(),
        "TYPE" => family.kind = text,
        "UNIT" => family.unit = text,
        _ => {}
    }
}

fn sample(line: &str, name: &str) -> Option<Sample> {
    let rest = line.strip_prefix(name)?;
    let end = rest.find(['{', ' '])?;
    let (suffix, rest) = rest.split_at_checked(end)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample { suffix: suffix.to_owned(), labels, value })
}

/// Labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.trim_start_matches(',').split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((name.to_owned(), value));
        rest = after;
    }
}

/// A text up to its closing quote, unescaped, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (false, '"') => return Some((value, text.get(at..)?.strip_prefix('"')?)),
            (true, 'n') => {
                value.push('\n');
                escaped = false;
            }
            (_, c) => {
                value.push(c);
                escaped = false;
            }
        }
    }
    None
}
