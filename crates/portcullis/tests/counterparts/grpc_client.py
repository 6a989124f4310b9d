"""A gRPC client without generated code. Prints one line for each call that it is told to make."""

import sys
import time

import grpc

address, token, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
metadata = (("authorization", "Bearer " + token),) if token else ()


def messages():
    yield b"one"
    time.sleep(pause)
    yield b"two"
    yield b"three"


def call(name, make):
    try:
        print(name, make(), flush=True)
    except grpc.RpcError as error:
        print(name, error.code().name, flush=True)


def watch():
    stream = channel.stream_stream("/shop.Feed/Watch")(messages(), metadata=metadata, timeout=20)
    got = b" ".join(stream).decode()
    trailers = sorted(key for key, _ in stream.trailing_metadata())
    return got + " " + ",".join(trailers)


with grpc.insecure_channel(address) as channel:
    get = channel.unary_unary("/shop.Feed/Get")
    call("get", lambda: get(b"it", metadata=metadata, timeout=20).decode())
    call("missing", lambda: get(b"missing", metadata=metadata, timeout=20).decode())
    call("watch", watch)
    other = channel.unary_unary("/shop.Feed/Other")
    call("other", lambda: other(b"it", metadata=metadata, timeout=20).decode())
