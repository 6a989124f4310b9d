//! What do PC0130 to PC0139 mean? Certificates, keys and revocation lists of listeners, and
//! providers of certificates.

super::page::table! {
    "PC0130" Error: "a file of TLS cannot be read"
        means "A certificate, private key, root or revocation list that a listener names is missing, cannot be opened, or is larger than 1 MiB; or the environment variable of a key is not set."
        matters "A listener that should speak TLS and cannot would have to speak without it, or not at all."
        mend "Check the path, relative to the folder of the declaration.";
    "PC0131" Error: "a file of TLS is not what it should be"
        means "A file holds no certificate, private key or revocation list in PEM, or one that cannot be parsed: it is damaged, encrypted, or of an unknown kind."
        matters "What cannot be read cannot be verified or shown to a client."
        mend "Write PEM: `CERTIFICATE` for certificates and roots, `PRIVATE KEY` for keys (PKCS#8, not encrypted), `X509 CRL` for revocation lists.";
    "PC0132" Error: "a key that does not fit its certificate"
        means "The private key is not that of the first certificate in the file."
        matters "Every handshake would fail. Often only one of two files was renewed."
        mend "Put the certificate of the listener first in its file, and give the key that it was issued for.";
    "PC0133" Error Warning: "a certificate outside its validity"
        means "A certificate of a listener, or a root for clients, has expired or is not valid yet. That it expires within seven days is a warning."
        matters "Clients refuse it, or nobody can be verified by it."
        mend "Renew it, and keep the clock of the machine right.";
    "PC0134" Error: "a revocation list that has expired"
        means "The time of the next update of a revocation list has passed, or the list names none."
        matters "Whether a certificate was revoked since is not known, so every certificate of that authority is refused."
        mend "Fetch the list anew, and have that done before each next update.";
    "PC0135" Error: "a weak key or signature"
        means "A certificate has an RSA key of less than 2048 bits or a key of an unknown kind, or is signed with SHA-1 or MD5."
        matters "Keys and signatures like this can be forged, and current clients refuse them."
        mend "Issue it anew, with ECDSA P-256 or RSA of at least 2048 bits, signed with SHA-256.";
    "PC0136" Error: "a private key that others may read"
        means "The file of a private key may be read or written by everybody, or written by its group."
        matters "Whoever reads the key can pose as this listener; whoever writes it can replace it."
        mend "`chmod 600` the file; give it to the user that the gateway runs as.";
    "PC0137" Error: "a name that two certificates have, or none"
        means "Two certificates of a listener have the same DNS name, more than one is the default, there is none at all, or one has no DNS name and is not the default."
        matters "Which certificate a client is shown would be chance, or there would be none to show."
        mend "Give each name one certificate; mark the one that is shown to clients without a name as `default: true`.";
    "PC0138" Error: "a version of TLS without a cipher suite"
        means "A version of TLS is accepted and no cipher suite of it, or a suite is named of a version that is not accepted."
        matters "What is declared and can never be spoken has no effect."
        mend "Add a suite of that version, or set `versions.min` to \"1.3\". `ciphers: [compatible]` has suites of both."
        "portcullis.yaml"
        wrong "web: {address: \"127.0.0.1:8080\", zone: public, tls: {certificates: [{certificate: a.pem, key: {file: a.key}}], ciphers: [modern]}}"
        right "web: {address: \"127.0.0.1:8080\", zone: public}";
    "PC0139" Error: "certificates that can never be shown or accepted"
        means "A boundary accepts a provider of certificates and no listener in its zone asks clients for one; or all of them require one and the boundary accepts other providers too, whose credential would then be the second."
        matters "What can never be shown, or never be accepted, has no effect."
        mend "Ask for certificates in `tls.client` of a listener in the zone that the boundary leads from. Give callers with another credential a listener that does not require certificates.";
}
