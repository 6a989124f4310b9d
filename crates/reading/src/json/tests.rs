use super::{Bounds, JsonErrorKind, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

const BOUNDS: Bounds = Bounds::new(8, 4096);

fn kind(text: &[u8]) -> JsonErrorKind {
    parse(text, &BOUNDS).expect_err("must be refused").kind
}

#[test]
fn b11_duplicates_are_compared_after_unescaping() {
    assert_eq!(kind(br#"{"qty":1,"qty":2}"#), JsonErrorKind::DuplicateMember);
    assert_eq!(kind(br#"{"qty":1,"\u0071ty":2}"#), JsonErrorKind::DuplicateMember);
    let error = parse(br#"{"a":[{},{"b":1,"b":2}]}"#, &BOUNDS).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.kind), ("/a/1/b", JsonErrorKind::DuplicateMember));
}

#[test]
fn b11_depth_and_size_are_bounded() {
    assert_eq!(kind(&[b'['; 100]), JsonErrorKind::TooDeep);
    assert_eq!(kind(&[b' '; 5000]), JsonErrorKind::TooLong);
    assert!(parse(b"[[[[[[[[]]]]]]]]", &BOUNDS).is_ok());
}

#[test]
fn texts_are_utf_8() {
    for text in [&b"\"\xff\""[..], b"\"\xc0\xaf\"", b"\"\xed\xa0\x80\""] {
        assert_eq!(kind(text), JsonErrorKind::InvalidUtf8, "{text:?}");
    }
    for text in [&br#""\ud800""#[..], br#""\udc00""#, br#""\ud800\u0041""#] {
        assert_eq!(kind(text), JsonErrorKind::LoneSurrogate, "{text:?}");
    }
    assert_eq!(parse(br#""\ud83d\ude00""#, &BOUNDS), Ok(json!("\u{1f600}")));
    assert_eq!(kind(b"\xef\xbb\xbf{}"), JsonErrorKind::ByteOrderMark);
}

#[test]
fn numbers_are_exact_or_refused() {
    for text in ["01", "-", "1.", ".5", "+1", "1e", "0x1", "NaN", "1e400", "-1e999"] {
        assert!(parse(text.as_bytes(), &BOUNDS).is_err(), "{text}");
    }
    let exact = "123456789012345678901234567890";
    assert_eq!(parse(exact.as_bytes(), &BOUNDS).unwrap().to_string(), exact);
}

#[test]
fn nothing_follows_and_nothing_is_missing() {
    assert_eq!(kind(b"{} {}"), JsonErrorKind::TrailingData);
    assert_eq!(kind(b" "), JsonErrorKind::Empty);
    for text in ["{", "[1", "\"a", "{\"a\""] {
        assert_eq!(kind(text.as_bytes()), JsonErrorKind::Truncated, "{text:?}");
    }
    for text in ["[1,]", "{\"a\":1,}", "{a:1}", "'a'", "trx", "[1 2]", "// c\n1"] {
        assert_eq!(kind(text.as_bytes()), JsonErrorKind::UnexpectedByte, "{text:?}");
    }
    assert_eq!(kind(b"\"\n\""), JsonErrorKind::ControlCharacter);
}

proptest! {
    #[test]
    fn what_is_accepted_means_the_same_to_another_reader(text in r#"[\[\]{}",:0-9a-c\\ue. -]{0,40}"#) {
        if let Ok(value) = parse(text.as_bytes(), &BOUNDS) {
            let other: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(value, other);
        }
    }

    #[test]
    fn what_is_written_is_read_back(name in ".{0,8}", word in ".{0,12}", number: i64) {
        let value = json!({name: [word, number, null, true, {}]});
        prop_assert_eq!(parse(value.to_string().as_bytes(), &BOUNDS), Ok(value));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _verdict = parse(&bytes, &BOUNDS);
    }

    #[test]
    fn where_the_bytes_are_cut_makes_no_difference(text in r#"[\[\]{}",:0-9a-c\\ue. -]{0,40}"#, cut in 0_usize..40) {
        let (first, second) = text.as_bytes().split_at(cut.min(text.len()));
        let mut checker = super::Checker::new(BOUNDS);
        let fed = checker.feed(first).and_then(|()| checker.feed(second)).and_then(|()| checker.finish());
        prop_assert_eq!(parse(text.as_bytes(), &BOUNDS).map(|_| ()), fed);
    }
}
