//! What may be answered to a request? Each is marked with a number that only it has; a good one is
//! answered with its own number or fails as the faults of its time allow, one that must be refused
//! never succeeds, whatever the fault.

use std::sync::atomic::{AtomicU32, Ordering};

use portcullis_testkit::Answer;

use super::tally::Verdict;
use super::weather::{Fault, Under};

/// Numbers from here on are those of requests that no upstream may see.
pub(super) const REFUSED_FROM: u32 = 80_000_000;

/// Bytes of a large answer.
pub(super) const LARGE_BYTES: usize = 192 * 1024;

/// Gives numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU32);

impl Numbers {
    /// The next number of a good request.
    pub(super) fn good(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) % REFUSED_FROM
    }

    /// The next number of a request that must not cross.
    pub(super) fn refused(&self) -> u32 {
        REFUSED_FROM + self.0.fetch_add(1, Ordering::Relaxed) % 19_000_000
    }
}

/// What is expected.
#[derive(Clone, Debug)]
pub(super) enum Expect {
    /// This body, whole.
    Body(String),
    /// The same, with a token that no cache knows.
    Fresh(String),
    /// A refusal with one of these codes; one that ends with a dot is all of its stage.
    Refused(&'static [&'static str]),
}

/// What came.
#[derive(Clone, Debug)]
pub(super) enum Got {
    /// A whole answer.
    Whole(Answer),
    /// The connection ended in between, or nothing came for too long.
    Broken(String),
}

/// Judges what came. `closed`: the issuer has been down for longer than its keys may be believed.
pub(super) fn judge(expect: &Expect, got: &Got, under: Under, closed: bool) -> Verdict {
    let answer = match got {
        Got::Whole(answer) => answer,
        Got::Broken(_) if under.has(Fault::Kill) => return Verdict::Failed,
        Got::Broken(why) => {
            let cut = matches!(expect, Expect::Body(_) | Expect::Fresh(_)) && under.upstream();
            return if cut { Verdict::Failed } else { Verdict::Wrong(why.clone()) };
        }
    };
    let code = answer.code();
    match expect {
        Expect::Fresh(_) if closed && answer.status < 300 => {
            Verdict::Wrong("a token was believed after its keys were stale".to_owned())
        }
        Expect::Body(body) | Expect::Fresh(body) if answer.status < 300 => {
            if answer.body == *body {
                Verdict::Right
            } else {
                Verdict::Wrong(format!("not its own answer: {}", brief(answer)))
            }
        }
        Expect::Refused(_) if answer.status < 400 => {
            Verdict::Wrong(format!("it was not refused: {}", brief(answer)))
        }
        Expect::Refused(codes) if codes.iter().any(|one| is(one, &code)) => Verdict::Refused,
        Expect::Body(_) | Expect::Fresh(_) | Expect::Refused(_) if allowed(&code, under) => {
            Verdict::Failed
        }
        Expect::Body(_) | Expect::Fresh(_) | Expect::Refused(_) => {
            Verdict::Wrong(format!("an answer for no reason: {}", brief(answer)))
        }
    }
}

fn is(due: &str, code: &str) -> bool {
    code == due || due.ends_with('.') && code.starts_with(due)
}

/// Whether the faults explain a refusal of a good request.
fn allowed(code: &str, under: Under) -> bool {
    match code {
        "identify.keys_unavailable" => under.has(Fault::IssuerDown),
        "admit.record_unavailable" => under.has(Fault::RecordsFull),
        _ => under.upstream() && (code.starts_with("forward.") || code == "reply.interrupted"),
    }
}

fn brief(answer: &Answer) -> String {
    let body: String = answer.body.chars().take(160).collect();
    format!("{} {body}", answer.status)
}

/// What the upstream answers to `GET` of an order.
pub(super) fn order(number: u32) -> String {
    format!("{{\"order\":\"o-{number:08}\"}}")
}

/// What it answers to `POST` of one.
pub(super) fn created(number: u32) -> String {
    format!("{{\"created\":\"n-{number:08}\"}}")
}

/// What it answers to a request for an item.
pub(super) fn item(sku: &str) -> String {
    format!("{{\"item\":\"{sku}\"}}")
}

/// A large answer, which can be told from any other from any part of it.
pub(super) fn large(number: u32) -> String {
    let part = format!("{number:08} ");
    part.repeat(LARGE_BYTES / part.len())
}

/// A stock-keeping unit that only this number has.
pub(super) fn sku(number: u32) -> String {
    let letter = |power: u32| {
        char::from(b'A' + u8::try_from(number / 10_000 / 26_u32.pow(power) % 26).unwrap_or(0))
    };
    format!("{}{}{}-{:04}", letter(2), letter(1), letter(0), number % 10_000)
}

/// The body of an order.
pub(super) fn body(number: u32) -> String {
    format!(
        "{{\"customer\":\"a@example.org\",\"note\":\"n-{number:08}\",\"lines\":[{{\"sku\":\"ABC-0001\",\"amount\":1}}]}}"
    )
}

#[cfg(test)]
mod tests {
    use super::{Expect, Got, judge, sku};
    use crate::soak::tally::Verdict;
    use crate::soak::weather::{Fault, Under, Weather};
    use portcullis_testkit::Answer;
    use std::time::Instant;

    fn answer(status: u16, body: &str) -> Got {
        Got::Whole(Answer { status, headers: Vec::new(), body: body.to_owned() })
    }

    fn under(fault: Fault) -> Under {
        let weather = Weather::default();
        weather.begin(fault);
        weather.under(Instant::now(), Instant::now())
    }

    #[test]
    fn what_must_be_refused_never_succeeds() {
        let expect = Expect::Refused(&["identify.token_expired"]);
        let calm = Under::default();
        for met in [calm, under(Fault::Kill), under(Fault::IssuerDown)] {
            assert!(matches!(judge(&expect, &answer(200, "{}"), met, false), Verdict::Wrong(_)));
            let refused = answer(401, "{\"code\":\"identify.token_expired\"}");
            assert_eq!(judge(&expect, &refused, met, false), Verdict::Refused);
        }
        let stale = answer(503, "{\"code\":\"identify.keys_unavailable\"}");
        assert!(matches!(judge(&expect, &stale, calm, false), Verdict::Wrong(_)));
        assert_eq!(judge(&expect, &stale, under(Fault::IssuerDown), false), Verdict::Failed);
    }

    #[test]
    fn a_good_request_has_its_own_answer_or_fails_for_a_reason() {
        let expect = Expect::Fresh("a".to_owned());
        let calm = Under::default();
        assert_eq!(judge(&expect, &answer(200, "a"), calm, false), Verdict::Right);
        assert!(matches!(judge(&expect, &answer(200, "a"), calm, true), Verdict::Wrong(_)));
        assert!(matches!(
            judge(&expect, &answer(200, "b"), under(Fault::Kill), false),
            Verdict::Wrong(_)
        ));
        let broken = Got::Broken("ended".to_owned());
        assert!(matches!(
            judge(&expect, &broken, under(Fault::Takeover), false),
            Verdict::Wrong(_)
        ));
        assert_eq!(judge(&expect, &broken, under(Fault::Kill), false), Verdict::Failed);
    }

    #[test]
    fn each_number_has_its_unit() {
        assert_eq!((sku(0), sku(10_001)), ("AAA-0000".to_owned(), "AAB-0001".to_owned()));
    }
}
