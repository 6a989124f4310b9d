//! Can a listener speak TLS like this? What can be said without opening a file; the files are
//! looked at where they are read.

use std::collections::BTreeSet;

use crate::check;
use crate::declaration::{ClientTrust, Declared, SecretRef, Tls, TlsCertificate};
use crate::document::{self, Cipher, Version};
use crate::problems::{Problems, Rule};
use crate::resolve::acme;
use crate::resolve::secret::secret;

const NAMES: Rule = Rule {
    code: "PC0137",
    why: "which certificate a client is shown would be chance, or there would be none",
    fix: "give at least one certificate, and mark at most one of a listener as `default`",
};
const CIPHERS: Rule = Rule {
    code: "PC0138",
    why: "a version without a cipher suite is declared and can never be spoken",
    fix: "add a suite of that version, or set `versions.min` to \"1.3\"",
};

/// The suites of TLS 1.3 (RFC 8446, appendix B.4).
const MODERN: [Cipher; 3] = [
    Cipher::TLS_AES_128_GCM_SHA256,
    Cipher::TLS_AES_256_GCM_SHA384,
    Cipher::TLS_CHACHA20_POLY1305_SHA256,
];

/// Those of TLS 1.2 with forward secrecy and authenticated encryption (RFC 9325 section 4.2).
const OLDER: [Cipher; 6] = [
    Cipher::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    Cipher::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    Cipher::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    Cipher::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    Cipher::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    Cipher::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// TLS of a listener, written at this path.
pub(super) fn tls(base: &[&str], written: &document::Tls, problems: &mut Problems<'_>) -> Tls {
    let at = |key| [base, &[key]].concat();
    let ordered = written.acme.is_some();
    Tls {
        certificates: certificates(base, &written.certificates, ordered, problems),
        acme: written.acme.as_ref().map(|written| acme::acme(&at("acme"), written, problems)),
        only_13: matches!(written.versions.min, Version::V13),
        suites: suites(written, &at("ciphers"), problems),
        client: written.client.as_ref().map(|client| {
            let files = (&client.roots, client.crls.as_slice());
            trust(&at("client"), files, client.required, problems)
        }),
    }
}

/// TLS of an address for operators, written at this path: TLS 1.3 with client certificates.
pub(super) fn operators(
    base: &[&str],
    written: &document::RemoteTls,
    problems: &mut Problems<'_>,
) -> Tls {
    let files = (&written.client.roots, written.client.crls.as_slice());
    Tls {
        certificates: certificates(base, &written.certificates, false, problems),
        acme: None,
        only_13: true,
        suites: MODERN.iter().map(|one| format!("{one:?}")).collect(),
        client: Some(trust(&[base, &["client"]].concat(), files, true, problems)),
    }
}

/// What is shown; nothing only where a certificate is ordered.
fn certificates(
    base: &[&str],
    written: &[document::Certificate],
    ordered: bool,
    problems: &mut Problems<'_>,
) -> Vec<TlsCertificate> {
    let all = [base, &["certificates"]].concat();
    if written.is_empty() && !ordered {
        problems.error(NAMES, &all, "there is no certificate");
    }
    if written.iter().filter(|one| one.default).count() > 1 {
        problems.error(NAMES, &all, "more than one certificate is the default");
    }
    let certificates = written.iter().enumerate().map(|(index, one)| {
        let index = index.to_string();
        let path = |keys: &[&'static str]| [&all, &[index.as_str()][..], keys].concat();
        let key = secret(&one.key);
        let key_span = match &key {
            SecretRef::Env(_) => problems.span(&path(&["key", "env"])),
            SecretRef::File(file) => {
                check::inside(file, &path(&["key", "file"]), problems);
                problems.span(&path(&["key", "file"]))
            }
        };
        check::inside(&one.certificate, &path(&["certificate"]), problems);
        TlsCertificate {
            certificate: Declared {
                span: problems.span(&path(&["certificate"])),
                value: one.certificate.clone(),
            },
            key: Declared { span: key_span, value: key },
            default: one.default,
        }
    });
    certificates.collect()
}

fn suites(written: &document::Tls, path: &[&str], problems: &mut Problems<'_>) -> BTreeSet<String> {
    let mut suites = BTreeSet::new();
    for cipher in &written.ciphers {
        let several = match cipher {
            Cipher::Modern => MODERN.as_slice(),
            Cipher::Compatible => &[MODERN.as_slice(), OLDER.as_slice()].concat(),
            one => std::slice::from_ref(one),
        };
        suites.extend(several.iter().map(|one| format!("{one:?}")));
    }
    if problems.is_guessed(path) {
        return suites;
    }
    let has = |some: &[Cipher]| some.iter().any(|one| suites.contains(&format!("{one:?}")));
    if !has(&MODERN) {
        problems.error(CIPHERS, path, "TLS 1.3 has no cipher suite");
    }
    match (written.versions.min, has(&OLDER)) {
        (Version::V12, false) => {
            problems.error(CIPHERS, path, "TLS 1.2 is accepted and has no cipher suite");
        }
        (Version::V13, true) if !written.ciphers.iter().all(is_set) => {
            problems.error(CIPHERS, path, "a suite of TLS 1.2 is named, which is not accepted");
        }
        (Version::V12, true) | (Version::V13, _) => {}
    }
    suites
}

const fn is_set(cipher: &Cipher) -> bool {
    matches!(cipher, Cipher::Modern | Cipher::Compatible)
}

fn trust(
    base: &[&str],
    (roots, crls): (&String, &[String]),
    required: bool,
    problems: &mut Problems<'_>,
) -> ClientTrust {
    let mut file = |path: &[&str], text: &String| {
        check::inside(text, path, problems);
        Declared { span: problems.span(path), value: text.clone() }
    };
    let crls = crls.iter().enumerate().map(|(index, text)| {
        let index = index.to_string();
        file(&[base, &["crls", &index]].concat(), text)
    });
    let crls = crls.collect();
    ClientTrust { crls, roots: file(&[base, &["roots"]].concat(), roots), required }
}
