//! Is the API still served, and is it served now? Judged by the time of the decision, before anybody
//! is asked who they are: an API that has ended answers nobody.

use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_config::declaration::{Life, Lifecycle};
use portcullis_model::{Reason, Timestamp};

use crate::refusal::Refusal;

/// Since when an API is deprecated (RFC 9745).
pub const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// From when on an API is not served (RFC 8594).
pub const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// Whether the API is served at this time.
///
/// # Errors
/// `receive.retired`, or `receive.maintenance` with the time to wait.
pub(crate) fn judge(life: &Life, now: Timestamp) -> Result<(), Refusal> {
    if life.stage == Lifecycle::Retired {
        return Err(Refusal::new(Reason::Retired, "the API is retired"));
    }
    if let Some(sunset) = life.sunset.filter(|sunset| *sunset <= now) {
        return Err(Refusal::new(Reason::Retired, format!("its sunset was {sunset}")));
    }
    let Some(maintenance) = &life.maintenance else { return Ok(()) };
    let wait = match maintenance.until {
        Some(until) if until <= now => return Ok(()),
        Some(until) => until.since(now).min(maintenance.retry_after),
        None => maintenance.retry_after,
    };
    let detail = match maintenance.until {
        Some(until) => format!("under maintenance until {until}"),
        None => "under maintenance".to_owned(),
    };
    Err(Refusal {
        retry_after_secs: Some(wait.as_secs().max(1)),
        message: maintenance.message.clone(),
        ..Refusal::new(Reason::Maintenance, detail)
    })
}

/// What every answer says of where the API is in its life; the upstream's word does not count.
pub(crate) fn fields(life: &Life, headers: &mut HeaderMap) {
    headers.remove(DEPRECATION);
    headers.remove(SUNSET);
    if let Some(since) = life.deprecated_since {
        set(headers, DEPRECATION, &format!("@{}", since.as_secs()));
    }
    if let Some(sunset) = life.sunset {
        set(headers, SUNSET, &sunset.http_date());
    }
    let relation = match life.stage {
        Lifecycle::Active => return,
        Lifecycle::Deprecated => "deprecation",
        Lifecycle::Retired => "sunset",
    };
    if let Some(link) = &life.link
        && let Ok(value) = HeaderValue::from_str(&format!("<{link}>; rel=\"{relation}\""))
    {
        headers.append(LINK, value);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{fields, judge};
    use http::HeaderMap;
    use portcullis_config::declaration::{Life, Lifecycle, Maintenance};
    use portcullis_model::{Reason, Timestamp};
    use std::time::Duration;

    #[test]
    fn the_last_moment_is_served_and_the_next_is_not() {
        let sunset = Timestamp::parse("2026-12-31").unwrap();
        let life = Life {
            stage: Lifecycle::Deprecated,
            deprecated_since: Timestamp::parse("2026-01-01"),
            sunset: Some(sunset),
            ..Life::default()
        };
        assert_eq!(judge(&life, sunset.minus(Duration::from_millis(1))), Ok(()));
        assert_eq!(judge(&life, sunset).unwrap_err().reason, Reason::Retired);
        let mut headers = HeaderMap::new();
        headers.insert("sunset", "never".parse().unwrap());
        fields(&life, &mut headers);
        assert_eq!(headers["deprecation"], "@1767225600");
        assert_eq!(headers["sunset"], "Thu, 31 Dec 2026 00:00:00 GMT");
    }

    #[test]
    fn nobody_is_told_to_wait_beyond_the_end_of_maintenance() {
        let now = Timestamp::from_secs(1_000);
        let wait = |until: Option<u64>| {
            let maintenance = Maintenance {
                until: until.map(Timestamp::from_secs),
                retry_after: Duration::from_secs(300),
                message: None,
            };
            let life = Life { maintenance: Some(maintenance), ..Life::default() };
            judge(&life, now).err().and_then(|refusal| refusal.retry_after_secs)
        };
        assert_eq!(wait(None), Some(300));
        assert_eq!(wait(Some(9_000)), Some(300));
        assert_eq!(wait(Some(1_060)), Some(60));
        assert_eq!(wait(Some(1_000)), None);
    }
}
