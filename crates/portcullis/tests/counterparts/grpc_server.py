"""A gRPC server without generated code: repeats what it is sent, in capitals."""

import sys
from concurrent import futures

import grpc


def watch(requests, context):
    context.set_trailing_metadata((("x-inner", "secret"),))
    for request in requests:
        yield request.upper()


def get(request, context):
    if request == b"missing":
        context.abort(grpc.StatusCode.NOT_FOUND, "there is none")
    seen = dict(context.invocation_metadata())
    return seen.get("x-portcullis-principal", "nobody").encode()


handlers = {
    "Watch": grpc.stream_stream_rpc_method_handler(watch),
    "Get": grpc.unary_unary_rpc_method_handler(get),
}
server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Feed", handlers),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
sys.stdin.read()
server.stop(0)
