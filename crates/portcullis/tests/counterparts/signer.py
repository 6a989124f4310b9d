"""A signer of messages that others wrote: PyPI `http-message-signatures`.

Each line of the standard input is JSON: {method, url, headers, body, key, components, created, and, where
they are meant, expires, nonce, tag}. Each line of the standard output is JSON with the headers to send;
or, for one with `verify`, what its signature covers, or why it does not verify. The first line is the keys:
{id: public key in PEM}.
"""

import datetime
import json
import sys

sys.path.insert(0, sys.argv[1])

from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402
from http_message_signatures import (  # noqa: E402
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

SECRET = b"0123456789abcdef0123456789abcdef"
KEYS = {
    "ed": (algorithms.ED25519, ed25519.Ed25519PrivateKey.generate()),
    "p256": (algorithms.ECDSA_P256_SHA256, ec.generate_private_key(ec.SECP256R1())),
    "rsa": (algorithms.RSA_PSS_SHA512, rsa.generate_private_key(65537, 2048)),
    "shared": (algorithms.HMAC_SHA256, SECRET),
    # of another than the declared holder
    "stranger": (algorithms.ED25519, ed25519.Ed25519PrivateKey.generate()),
}


class Resolver(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id):
        return KEYS[key_id][1]

    def resolve_public_key(self, key_id):
        key = KEYS[key_id][1]
        return key if isinstance(key, bytes) else key.public_key()


class Message:
    def __init__(self, asked):
        self.method, self.url, self.headers = asked["method"], asked["url"], dict(asked["headers"])


def time(secs):
    return None if secs is None else datetime.datetime.fromtimestamp(secs, datetime.timezone.utc)


def sign(asked):
    message = Message(asked)
    # what is said to be the key need not be the one that signs
    algorithm, key = KEYS[asked.get("by", asked["key"])]

    class One(Resolver):
        def resolve_private_key(self, key_id):
            return key

    signer = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=One())
    signer.sign(
        message,
        key_id=asked["key"],
        created=time(asked["created"]),
        expires=time(asked.get("expires")),
        nonce=asked.get("nonce"),
        tag=asked.get("tag"),
        label="sig1",
        include_alg=asked.get("include_alg", True),
        covered_component_ids=asked["components"],
        # with a body it would cover its digest by itself
        body=asked["body"].encode() if "content-digest" in asked["components"] else None,
    )
    return message.headers


def verify(asked):
    message = Message(asked)
    algorithm, _ = KEYS[asked["key"]]
    try:
        verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=Resolver())
        results = verifier.verify(message, body=asked["body"].encode())
        return {"covered": sorted(results[0].covered_components), "nonce": results[0].parameters["nonce"]}
    except Exception as error:  # noqa: BLE001
        return {"error": repr(error)}


def pem(key):
    public = key.public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


keys = {name: pem(key) for name, (_, key) in KEYS.items() if not isinstance(key, bytes)}
for name in ("ed", "p256"):
    form = serialization.PrivateFormat.PKCS8
    encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
    keys[f"{name} private"] = KEYS[name][1].private_bytes(encoding, form, none).decode()
print(json.dumps(keys), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(verify(asked) if asked.get("verify") else sign(asked)), flush=True)
