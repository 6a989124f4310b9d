//! Lists, cookies, forms, texts, bytes and content codings: each has one reading, or is refused.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderMap, Request};
use portcullis_inspect::{BodyBounds, OperationContract, Schemas, compile};
use portcullis_model::Reason;
use portcullis_reading::message::{Message, ReadingRules};
use portcullis_reading::owned::OwnedHeaders;
use portcullis_spec::{ArrayStyle, Location, Messages, Parameter, RequestBody};
use proptest::prelude::*;
use serde_json::{Value, json};

fn compiled(parameters: Vec<Parameter>, content: &[(&str, Value)]) -> Option<OperationContract> {
    let content: BTreeMap<String, Value> =
        content.iter().map(|(media, schema)| ((*media).to_owned(), schema.clone())).collect();
    let messages = Messages {
        parameters,
        body: (!content.is_empty()).then_some(RequestBody {
            required: true,
            content,
            pointer: String::new(),
        }),
    };
    compile(&mut Schemas::default(), &Arc::new(json!({})), &"op".into(), &messages).ok()
}

fn integers(name: &str, location: Location, array: Option<ArrayStyle>) -> Parameter {
    let one = json!({"type": "integer", "minimum": 1});
    let schema = match array {
        None => one,
        Some(_) => json!({"type": "array", "maxItems": 3, "uniqueItems": true, "items": one}),
    };
    let (name, pointer) = (name.to_owned(), String::new());
    Parameter { name, location, required: false, schema, array, pointer }
}

fn asked(parameter: Parameter, target: &str, headers: &[(&str, &str)]) -> Result<(), Reason> {
    let contract = compiled(vec![parameter], &[]).unwrap();
    let mut request = Request::builder().uri(target).header("host", "a.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let rules = ReadingRules {
        trusted_hops: 0,
        trusted_peers: Vec::new(),
        owned_headers: Arc::new(OwnedHeaders::standard()),
        credential_headers: Vec::new(),
    };
    let message = Message::read(&parts, "192.0.2.1".parse().unwrap(), &rules).unwrap();
    contract.check_parameters(&message, &[]).map_err(|violation| violation.reason)
}

#[test]
fn lists_are_cut_in_one_way() {
    let refused = Err(Reason::ParameterRefused);
    let repeated = || integers("id", Location::Query, Some(ArrayStyle::Repeated));
    assert_eq!(asked(repeated(), "/x?id=1&id=2", &[]), Ok(()));
    for bad in ["/x?id=1,2", "/x?id=1&id=1", "/x?id=1&id=0", "/x?id=1&id=2&id=3&id=4", "/x?id="] {
        assert_eq!(asked(repeated(), bad, &[]), refused, "{bad}");
    }
    let commas = || integers("id", Location::Query, Some(ArrayStyle::Commas));
    assert_eq!(asked(commas(), "/x?id=1,2,3", &[]), Ok(()));
    for bad in ["/x?id=1%2C2", "/x?id=1&id=2", "/x?id=1,", "/x?id=1,a", "/x?id=1,+2"] {
        assert_eq!(asked(commas(), bad, &[]), refused, "{bad}");
    }
    let header = || integers("x-ids", Location::Header, Some(ArrayStyle::Commas));
    assert_eq!(asked(header(), "/x", &[("x-ids", "1, 2"), ("x-ids", "3")]), Ok(()));
    assert_eq!(asked(header(), "/x", &[("x-ids", "1 2")]), refused);
}

#[test]
fn a_cookie_counts_once() {
    let cookie = || integers("page", Location::Cookie, None);
    assert_eq!(asked(cookie(), "/x", &[]), Ok(()));
    assert_eq!(asked(cookie(), "/x", &[("cookie", "a=b; page=2")]), Ok(()));
    for bad in
        ["page=0", "page=1; page=2", "page=1;", "a; page=1", "page=\"1\"", "page=%31", "page= 1 1"]
    {
        assert_eq!(asked(cookie(), "/x", &[("cookie", bad)]), Err(Reason::ParameterRefused));
    }
}

fn sent(media: &str, coding: Option<&str>, body: &[u8]) -> Result<Vec<u8>, Reason> {
    let form = json!({"type": "object", "required": ["n"], "additionalProperties": false,
        "properties": {"n": {"type": "integer"}, "tag": {"type": "array", "items": {"type": "string"}}}});
    let contract = compiled(
        Vec::new(),
        &[
            ("application/json", json!({"type": "object"})),
            ("application/merge-patch+json", json!({"required": ["a"]})),
            ("application/x-www-form-urlencoded", form),
            ("text/plain", json!({"type": "string", "maxLength": 3})),
            ("application/octet-stream", json!({"type": "string", "format": "binary"})),
        ],
    )
    .unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", media.parse().unwrap());
    headers.insert("content-length", body.len().into());
    if let Some(coding) = coding {
        headers.insert("content-encoding", coding.parse().unwrap());
    }
    let bounds = BodyBounds { bytes_max: 4096, json_depth_max: 4, expansion_max: 20 };
    contract.body_plan(&headers).map_err(|violation| violation.reason)?;
    let checked = contract.check_body(&headers, body, &bounds);
    checked.map(std::borrow::Cow::into_owned).map_err(|violation| violation.reason)
}

#[test]
fn each_media_type_has_its_reading() {
    let form = "application/x-www-form-urlencoded";
    for (media, body) in [
        ("application/json", "{}"),
        ("application/merge-patch+json", r#"{"a":1}"#),
        ("application/merge-patch+json; charset=UTF-8", r#"{"a":1}"#),
        (form, "n=1&tag=a&tag=b"),
        ("text/plain", "abc"),
        ("application/octet-stream", "\0\u{1}"),
    ] {
        assert_eq!(sent(media, None, body.as_bytes()), Ok(body.as_bytes().to_vec()), "{media}");
    }
    for (media, body, reason) in [
        ("application/merge-patch+json", "{}", Reason::BodyRefused),
        ("application/other+json", "{}", Reason::ContentTypeRefused),
        (form, "n=x", Reason::BodyRefused),
        (form, "n=1&m=1", Reason::BodyRefused),
        (form, "n=1&n=2", Reason::BodyMalformed),
        (form, "n=%", Reason::BodyMalformed),
        ("text/plain", "abcd", Reason::BodyRefused),
    ] {
        assert_eq!(sent(media, None, body.as_bytes()), Err(reason), "{media} {body}");
    }
    assert_eq!(sent("text/plain", None, b"\xff"), Err(Reason::BodyMalformed));
}

#[test]
fn what_no_reading_covers_is_a_finding() {
    for (media, schema) in [
        ("application/xml", json!({})),
        ("text/plain", json!({"type": "object"})),
        ("application/x-www-form-urlencoded", json!({"type": "array"})),
        ("application/octet-stream", json!({"type": "string", "maxLength": 4})),
    ] {
        assert!(compiled(Vec::new(), &[(media, schema)]).is_none(), "{media}");
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_compressed_body_is_checked_and_goes_on_decoded() {
    let json = "application/json";
    assert_eq!(sent(json, Some("gzip"), &gzip(b"{\"a\":1}")), Ok(b"{\"a\":1}".to_vec()));
    assert_eq!(sent(json, Some("deflate"), &zlib(b"{\"a\":1}")), Ok(b"{\"a\":1}".to_vec()));
    let refused = |coding: &str, body: &[u8]| sent(json, Some(coding), body).unwrap_err();
    assert_eq!(refused("gzip", &gzip(b"[]")), Reason::BodyRefused);
    assert_eq!(refused("gzip", b"{}"), Reason::BodyMalformed);
    assert_eq!(refused("deflate", &gzip(b"{}")), Reason::BodyMalformed);
    for coding in ["br", "gzip, gzip", "identity, gzip", "identity", "", "gzip;q=1"] {
        assert_eq!(refused(coding, &gzip(b"{}")), Reason::ContentEncodingRefused, "{coding}");
    }
    // a bomb, a second member, bytes behind the end, a cut end, a wrong checksum
    assert_eq!(refused("gzip", &gzip(&[b' '; 100_000])), Reason::BodyTooLarge);
    let two = [gzip(b"{}"), gzip(b"{}")].concat();
    assert_eq!(refused("gzip", &two), Reason::BodyMalformed);
    assert_eq!(refused("gzip", &[gzip(b"{}"), b"x".to_vec()].concat()), Reason::BodyMalformed);
    let whole = gzip(b"{\"a\":1}");
    for at in 0..whole.len() {
        assert_eq!(
            refused("gzip", whole.get(..at).unwrap()),
            if at == 0 { Reason::BodyMissing } else { Reason::BodyMalformed }
        );
    }
    let mut wrong = whole;
    let at = wrong.len() - 6;
    *wrong.get_mut(at).unwrap() ^= 1;
    assert_eq!(refused("gzip", &wrong), Reason::BodyMalformed);
}

proptest! {
    #[test]
    fn no_bytes_decode_past_the_bounds(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        for coding in ["gzip", "deflate"] {
            if let Ok(plain) = sent("application/octet-stream", Some(coding), &bytes) {
                prop_assert!(plain.len() <= bytes.len() * 20);
            }
        }
    }
}
