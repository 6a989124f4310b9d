//! What do the metrics say at OpenTelemetry? Counters are monotonic cumulative sums, histograms have
//! their buckets apart instead of added up; names, labels and values are those of Prometheus.

use std::collections::BTreeMap;

use super::attributes::Attributes;
use super::messages::{Data, Distribution, Gauge, Histogram, KeyValue, Metric, Number, Sum};
use crate::exposition::{Family, Sample};

const CUMULATIVE: i32 = 2;

/// A metric; `None` where it has no series yet.
pub(super) fn of(family: &Family, start: u64, time: u64) -> Option<Metric> {
    if family.samples.is_empty() {
        return None;
    }
    let numbers = || family.samples.iter().map(|sample| number(sample, start, time)).collect();
    let data = match family.kind.as_str() {
        "counter" => Data::Sum(Sum { points: numbers(), temporality: CUMULATIVE, monotonic: true }),
        "gauge" => Data::Gauge(Gauge { points: numbers() }),
        "histogram" => Data::Histogram(Histogram {
            points: points(family, start, time),
            temporality: CUMULATIVE,
        }),
        _ => return None,
    };
    Some(Metric {
        name: family.name.clone(),
        description: family.help.clone(),
        unit: unit(&family.unit).to_owned(),
        data: Some(data),
    })
}

/// UCUM, as OpenTelemetry has it.
fn unit(words: &str) -> &str {
    match words {
        "seconds" => "s",
        "bytes" => "By",
        other => other,
    }
}

fn number(sample: &Sample, start: u64, time: u64) -> Number {
    let value = Some(sample.value);
    Number { attributes: attributes(sample, ""), start, time, value }
}

fn attributes(sample: &Sample, without: &str) -> Vec<KeyValue> {
    let mut attributes = Attributes::default();
    for (name, value) in sample.labels.iter().filter(|(name, _)| name != without) {
        attributes.text(name, value);
    }
    attributes.into_list()
}

/// The series of a histogram, each from its `_sum`, `_count` and `_bucket` lines.
fn points(family: &Family, start: u64, time: u64) -> Vec<Distribution> {
    let mut series: BTreeMap<Vec<(String, String)>, Distribution> = BTreeMap::new();
    for sample in &family.samples {
        let labels = sample.labels.iter().filter(|(name, _)| name != "le").cloned().collect();
        let point = series.entry(labels).or_insert_with(|| Distribution {
            attributes: attributes(sample, "le"),
            start,
            time,
            ..Distribution::default()
        });
        match sample.suffix.as_str() {
            "_sum" => point.sum = Some(sample.value),
            "_count" => point.count = whole(sample.value),
            "_bucket" => bucket(sample, point),
            _ => {}
        }
    }
    series.into_values().collect()
}

/// Buckets come in the order of their bounds, each with all that is below it.
fn bucket(sample: &Sample, point: &mut Distribution) {
    let below: u64 = point.buckets.iter().sum();
    point.buckets.push(whole(sample.value).saturating_sub(below));
    let bound =
        sample.labels.iter().find(|(name, _)| name == "le").map(|(_, value)| value.as_str());
    if let Some(bound) =
        bound.and_then(|bound| bound.parse().ok()).filter(|one: &f64| one.is_finite())
    {
        point.bounds.push(bound);
    }
}

/// A count; they are whole and never negative.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are written by `exposition`'s counterpart as whole numbers below 2^53"
)]
fn whole(value: f64) -> u64 {
    value as u64
}
