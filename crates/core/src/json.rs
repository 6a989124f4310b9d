//! How is a fact or a record put into JSON? Plain structs, as derived `Serialize` shows them, in
//! the bytes that `serde_json` would write.
//!
//! Most of a record is text, much of it with quotes in it (facts are JSON within JSON), and that is
//! what this is made for: text is looked through eight bytes at a time. Numbers with fractions are
//! left to `serde_json`; what a record never has is an error.

mod string;
mod writer;

use serde::Serialize;

pub use self::writer::{Unwritten, write};

/// A value as text; `null` where it has no form, which replays as a missing fact.
#[must_use]
pub fn text(value: &(impl Serialize + ?Sized)) -> String {
    let mut bytes = Vec::with_capacity(128);
    match write(value, &mut bytes).map(|()| String::from_utf8(bytes)) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) | Err(_) => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use portcullis_model::record::{FactNote, FactValue, Outcome, StageNote};
    use portcullis_model::{Principal, Stage, Timestamp};
    use proptest::prelude::*;
    use serde::Serialize;
    use std::collections::BTreeMap;

    fn same(value: &impl Serialize) {
        assert_eq!(text(value), serde_json::to_string(value).unwrap());
    }

    #[derive(Serialize)]
    enum Kind {
        Plain,
        Named { one: i64, other: Option<u8> },
    }

    #[test]
    fn as_serde_json_writes_it() {
        same(&Principal::anonymous());
        same(&StageNote { stage: Stage::Receive, said: "a \"b\"".to_owned(), micros: 7 });
        let value = FactValue::Clear("{\"a\":\"\\n\"}".to_owned());
        same(&FactNote { name: "x".to_owned(), as_of: Timestamp::from_millis(5), value });
        same(&[FactValue::Erased]);
        same(&Outcome {
            status: 200,
            upstream_status: None,
            response_bytes: u64::MAX,
            micros: 0,
            intent_durable: true,
        });
        same(&(Kind::Plain, Kind::Named { one: i64::MIN, other: Some(0) }, 1.5, 'x', ()));
        same(&BTreeMap::from([("a\\", vec![1_u8, 2]), ("b", vec![])]));
    }

    #[test]
    fn what_has_no_form_is_null() {
        assert_eq!(text(&BTreeMap::from([(1, 2)])), "null");
    }

    proptest! {
        #[test]
        fn every_text_as_serde_json_writes_it(one in any::<String>(), other in "[ -~\\x00-\\x22]{0,40}") {
            same(&(one, other));
        }
    }
}
