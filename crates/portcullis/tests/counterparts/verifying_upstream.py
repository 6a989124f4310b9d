"""An upstream that lets in only tokens that PyJWT verifies: keys from a URL, one issuer, one audience.

Arguments: issuer, audience, the header that carries the token. Says its port, then reads the URL of the
keys from its input. Answers with the claims, or with 401 and why.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

ISSUER, AUDIENCE, HEADER = sys.argv[1:4]
KEYS = {}


def claims(headers, method):
    values = headers.get_all(HEADER) or []
    if len(values) != 1:
        raise jwt.InvalidTokenError(f"{len(values)} values of {HEADER}")
    token = values[0].removeprefix("Bearer ")
    key = KEYS["client"].get_signing_key_from_jwt(token)
    header = jwt.get_unverified_header(token)
    if header["typ"] != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    needed = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "htm", "op"]
    read = jwt.decode(
        token, key, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER,
        options={"require": needed, "strict_aud": True},
    )
    if read["htm"] != method:
        raise jwt.InvalidTokenError("made for another method")
    return {"claims": read, "kid": header["kid"]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            status, said = 200, claims(self.headers, self.command)
        except Exception as error:
            status, said = 401, {"error": str(error)}
        said["authorization"] = self.headers.get_all("authorization") or []
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
KEYS["client"] = jwt.PyJWKClient(sys.stdin.readline().strip(), cache_keys=True)
server.serve_forever()
