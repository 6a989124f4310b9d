//! The vectors of RFC 9421 appendix B.2, and every way to get a signature wrong.

use super::{Key, Material, Rules, Verified, View, base, parse};
use crate::holder::Holder;
use crate::jwk::VerificationKey;
use crate::secrets::Secrets;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_model::{Reason, Timestamp};
use portcullis_reading::structured::{Member, dictionary, list};
use std::collections::BTreeMap;
use std::time::Duration;

const CREATED: u64 = 1_618_884_473;

/// RFC 9421 appendix B.1.2: `test-key-rsa-pss`.
const RSA: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----";
/// B.1.4: `test-key-ed25519`.
const ED: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----";
/// B.1.5: `test-shared-secret`.
const SECRET: &str =
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const DIGEST: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

const VECTORS: [(&str, &str, &str); 5] = [
    (
        "b21",
        r#"();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#,
        "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
    ),
    (
        "b22",
        r#"("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example""#,
        "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==",
    ),
    (
        "b23",
        r#"("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#,
        "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
    ),
    (
        "b25",
        r#"("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#,
        "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
    ),
    (
        "b26",
        r#"("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#,
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
    ),
];

/// The request of appendix B.2, with these fields besides.
fn message(extra: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let own = [
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-digest", DIGEST),
        ("content-length", "18"),
    ];
    for (name, value) in own.iter().chain(extra) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn view<'a>(headers: &'a HeaderMap, pairs: &'a [(String, String)]) -> View<'a> {
    View {
        method: "POST",
        scheme: "https",
        authority: "example.com",
        path: "/foo",
        query: Some("param=Value&Pet=dog"),
        pairs,
        headers,
    }
}

fn pairs() -> Vec<(String, String)> {
    vec![("param".into(), "Value".into()), ("Pet".into(), "dog".into())]
}

fn rules(components: &[&str]) -> Rules {
    let public = |pem: &str| {
        let (key, algorithm) = VerificationKey::from_pem(pem).unwrap();
        Material::Public(Box::new(key), algorithm)
    };
    let holder = Holder { subject: "billing".to_owned(), ..Holder::default() };
    let keys = [
        ("test-key-rsa-pss", public(RSA)),
        ("test-key-ed25519", public(ED)),
        ("test-shared-secret", Material::Secret),
    ];
    let keys = keys.map(|(id, material)| (id.to_owned(), Key { material, holder: holder.clone() }));
    Rules {
        provider: "partners".into(),
        keys: BTreeMap::from(keys),
        components: components.iter().map(|name| (*name).to_owned()).collect(),
        tag: None,
        age_max: Duration::from_secs(300),
        clock_skew: Duration::from_secs(5),
        nonces: false,
    }
}

fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add("test-shared-secret", &STANDARD.decode(SECRET).unwrap()).unwrap();
    secrets
}

fn judge(headers: &HeaderMap, rules: &Rules, now: u64) -> Result<Verified, String> {
    let pairs = pairs();
    let verified = parse(headers).and_then(|unverified| {
        unverified.verify(rules, &secrets(), &view(headers, &pairs), Timestamp::from_secs(now))
    });
    verified.map_err(|refused| {
        assert_eq!(refused.reason, Reason::MessageSignatureRefused);
        refused.detail
    })
}

fn fields(label: &str, input: &str, signature: &str) -> [(&'static str, String); 2] {
    let (input, signature) = (format!("{label}={input}"), format!("{label}=:{signature}:"));
    [("signature-input", input), ("signature", signature)]
}

fn with(fields: &[(&'static str, String)]) -> HeaderMap {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    message(&fields)
}

#[test]
fn rfc_9421_vectors_of_appendix_b_2() {
    for (label, input, signature) in VECTORS {
        let headers = with(&fields(label, input, signature));
        let verified = judge(&headers, &rules(&[]), CREATED + 1).unwrap();
        assert_eq!(verified.caller.principal().subject, "billing", "{label}");
        assert_eq!(verified.covers_body, ["b22", "b23"].contains(&label), "{label}");
        assert_eq!(verified.until.as_secs(), CREATED + 305);
        // whatever is covered and differs
        for (name, other) in
            [("date", "Tue, 20 Apr 2021 02:07:56 GMT"), ("content-digest", "sha-256=:AAAA:")]
        {
            let mut headers = headers.clone();
            headers.insert(name, HeaderValue::from_static(other));
            let judged = judge(&headers, &rules(&[]), CREATED + 1);
            assert_eq!(judged.is_ok(), !input.contains(name), "{label} {name}");
        }
    }
}

#[test]
fn rfc_9421_b_2_2_has_this_base() {
    let (headers, pairs) = (message(&[]), pairs());
    let Member::List(items, parameters) =
        dictionary(&format!("b22={}", VECTORS[1].1)).unwrap().remove(0).1
    else {
        panic!("no list")
    };
    let expected = format!(
        "\"@authority\": example.com\n\"content-digest\": {DIGEST}\n\"@query-param\";name=\"Pet\": dog\n\"@signature-params\": {}",
        VECTORS[1].1
    );
    assert_eq!(base(&items, &parameters, &view(&headers, &pairs)).unwrap(), expected);
    assert_eq!(list(&items, &parameters), VECTORS[1].1);
}

fn signed(input: &str) -> [(&'static str, String); 2] {
    // B.1.4, the private part
    let seed = STANDARD.decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=").unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let (headers, pairs) = (message(&[]), pairs());
    let base = match dictionary(&format!("s={input}")).unwrap().remove(0).1 {
        Member::List(items, parameters) => base(&items, &parameters, &view(&headers, &pairs)),
        Member::Item(_) => Ok(String::new()),
    };
    let signature = pair.sign(base.unwrap_or_default().as_bytes());
    fields("s", input, &STANDARD.encode(signature.as_ref()))
}

const TAIL: &str = r#";created=1618884473;keyid="test-key-ed25519""#;

#[test]
fn e22_what_must_be_covered_is() {
    for (required, covered, good) in [
        (vec!["@method", "@target-uri"], r#"("@method" "@target-uri")"#, true),
        (vec!["@target-uri"], r#"("@authority" "@path" "@query")"#, true),
        (vec!["@target-uri"], r#"("@authority" "@path")"#, false),
        (vec!["@authority", "@path", "@query", "@scheme"], r#"("@target-uri")"#, true),
        (vec!["@method"], r#"("@target-uri")"#, false),
        (vec!["@authority"], r#"("@method")"#, false),
        (vec!["date"], r#"("@method")"#, false),
        (vec!["content-digest"], r#"("content-digest")"#, true),
    ] {
        let headers = with(&signed(&format!("{covered}{TAIL}")));
        let judged = judge(&headers, &rules(&required), CREATED);
        assert_eq!(judged.is_ok(), good, "{required:?} {covered} {judged:?}");
    }
    // a body that is not covered is refused where it is read
    let headers = with(&signed(&format!(r#"("@method"){TAIL}"#)));
    let verified = judge(&headers, &rules(&["content-digest"]), CREATED).unwrap();
    assert!(!verified.covers_body && verified.wants_body);
}

#[test]
fn e22_components_have_one_reading() {
    for wrong in [
        r#"("@method" "@method")"#,
        r#"("date" "date")"#,
        r#"("Date")"#,
        r#"("date";sf)"#,
        r#"("date";bs)"#,
        r#"("date";req)"#,
        r#"("date";tr)"#,
        r#"("content-digest";key="sha-512")"#,
        r#"("@method";req)"#,
        r#"("@status")"#,
        r#"("@signature-params")"#,
        r#"("@query-param")"#,
        r#"("@query-param";name="none")"#,
        r#"("x-absent")"#,
        r#"(date)"#,
        r#"(:AAAA:)"#,
        r#""date""#,
    ] {
        let headers = with(&signed(&format!("{wrong}{TAIL}")));
        assert!(judge(&headers, &rules(&[]), CREATED).is_err(), "{wrong}");
    }
    let mut headers = with(&signed(&format!(r#"("date"){TAIL}"#)));
    assert!(judge(&headers, &rules(&[]), CREATED).is_ok());
    headers.append("date", HeaderValue::from_static("x"));
    let detail = judge(&headers, &rules(&[]), CREATED).unwrap_err();
    assert_eq!(detail, "component \"date\": it stands in more than one line");
}

#[test]
fn e22_time_tag_nonce_key_and_algorithm() {
    let at = |parameters: &str| with(&signed(&format!(r#"("@method"){parameters}"#)));
    let good = at(TAIL);
    for (now, passes) in
        [(CREATED - 6, false), (CREATED - 5, true), (CREATED + 304, true), (CREATED + 305, false)]
    {
        assert_eq!(judge(&good, &rules(&[]), now).is_ok(), passes, "{now}");
    }
    for (parameters, passes) in [
        (r#";keyid="test-key-ed25519""#, false),
        (r#";created=1618884473"#, false),
        (r#";created="1618884473";keyid="test-key-ed25519""#, false),
        (r#";created=-1;keyid="test-key-ed25519""#, false),
        (r#";created=1618884473;keyid="other""#, false),
        (r#";created=1618884473;keyid=test-key-ed25519"#, false),
        (r#";created=1618884473;keyid="test-key-rsa-pss""#, false),
        (r#";created=1618884473;keyid="test-shared-secret""#, false),
        (r#";created=1618884473;keyid="test-key-ed25519";alg="ed25519""#, true),
        (r#";created=1618884473;keyid="test-key-ed25519";alg="hmac-sha256""#, false),
        (r#";created=1618884473;keyid="test-key-ed25519";expires=1618884468"#, false),
        (r#";created=1618884473;keyid="test-key-ed25519";expires=1618884500"#, true),
        (r#";created=1618884473;keyid="test-key-ed25519";nonce="""#, false),
        (r#";created=1618884473;keyid="test-key-ed25519";nonce="a""#, true),
    ] {
        let judged = judge(&at(parameters), &rules(&[]), CREATED);
        assert_eq!(judged.is_ok(), passes, "{parameters} {judged:?}");
    }
    let tagged = Rules { tag: Some("portcullis".to_owned()), ..rules(&[]) };
    assert!(judge(&good, &tagged, CREATED).is_err());
    assert!(judge(&at(&format!("{TAIL};tag=\"portcullis\"")), &tagged, CREATED).is_ok());
    assert!(judge(&at(&format!("{TAIL};tag=\"other\"")), &tagged, CREATED).is_err());
    let nonced = Rules { nonces: true, ..rules(&[]) };
    assert!(judge(&good, &nonced, CREATED).is_err());
    let name = |parameters: &str| judge(&at(parameters), &nonced, CREATED).unwrap().name;
    assert_eq!(
        name(&format!("{TAIL};nonce=\"a\"")),
        name(&format!("{TAIL};tag=\"x\";nonce=\"a\""))
    );
    assert_ne!(name(&format!("{TAIL};nonce=\"a\"")), name(&format!("{TAIL};nonce=\"b\"")));
}

#[test]
fn e22_one_label_with_one_signature() {
    let [input, signature] = signed(&format!(r#"("@method"){TAIL}"#));
    let good = with(&[input.clone(), signature.clone()]);
    assert!(judge(&good, &rules(&[]), CREATED).is_ok());
    let two = |one: &(&'static str, String)| {
        (one.0, format!("{}, t={}", one.1, one.1.split_once('=').unwrap().1))
    };
    let other = |one: &(&'static str, String)| (one.0, one.1.replacen("s=", "t=", 1));
    for wrong in [
        vec![input.clone()],
        vec![signature.clone()],
        vec![input.clone(), input.clone(), signature.clone()],
        vec![input.clone(), signature.clone(), signature.clone()],
        vec![two(&input), two(&signature)],
        vec![two(&input), signature.clone()],
        vec![other(&input), signature.clone()],
        vec![input.clone(), (signature.0, signature.1.replace(":", ""))],
        vec![input.clone(), (signature.0, "s=::".to_owned())],
        vec![input.clone(), (signature.0, format!("{};a", signature.1))],
        vec![(input.0, "s=1".to_owned()), signature.clone()],
        vec![(input.0, format!("{} x", input.1)), signature],
    ] {
        assert!(judge(&with(&wrong), &rules(&[]), CREATED).is_err(), "{wrong:?}");
    }
}

#[test]
fn keys_in_pem_are_public_and_of_a_known_kind() {
    for wrong in [
        "",
        "x",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        &RSA.replace("PUBLIC", "PRIVATE"),
    ] {
        assert!(VerificationKey::from_pem(wrong).is_err(), "{wrong}");
    }
}
