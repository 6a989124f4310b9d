"""A client of HTTP/2 by the h2 library: what a careful stack sends, and what it makes of answers."""

import socket
import sys

import h2.config
import h2.connection
import h2.events

host, port, token = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ORDER = b'{"customer":"a@example.com","lines":[{"sku":"ABC-0001","amount":2}]}'
BASE = [(":scheme", "http"), (":authority", "api.shop.example")]


def events(wire, connection, streams):
    """Statuses by stream, once each of them has ended."""
    statuses, ended = {}, set()
    while ended < set(streams):
        data = wire.recv(65535)
        if not data:
            return statuses
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                statuses[event.stream_id] = dict(event.headers)[b":status"].decode()
            elif isinstance(event, h2.events.DataReceived):
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                ended.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                statuses[event.stream_id] = "reset"
                ended.add(event.stream_id)
            elif isinstance(event, h2.events.ConnectionTerminated):
                return {**statuses, "terminated": int(event.error_code)}
        wire.sendall(connection.data_to_send())
    return statuses


with socket.create_connection((host, port), timeout=20) as wire:
    config = h2.config.H2Configuration(client_side=True, header_encoding=None)
    connection = h2.connection.H2Connection(config=config)
    connection.initiate_connection()
    connection.ping(b"12345678")
    connection.send_headers(1, [(":method", "GET"), (":path", "/v1/products")] + BASE, end_stream=True, priority_weight=7)
    order = [(":method", "POST"), (":path", "/v1/tenants/acme/orders"), ("authorization", "Bearer " + token),
             ("content-type", "application/json"), ("content-length", str(len(ORDER)))]
    pseudo = [pair for pair in order if pair[0].startswith(":")]
    rest = [pair for pair in order if not pair[0].startswith(":")]
    connection.send_headers(3, pseudo + BASE + rest)
    connection.send_data(3, ORDER[:7])
    connection.send_data(3, ORDER[7:])
    connection.send_headers(3, [("x-trailer", "late")], end_stream=True)
    connection.send_headers(5, pseudo + BASE + rest)
    connection.reset_stream(5)
    connection.send_headers(7, [(":method", "GET"), (":path", "/v1/nothing")] + BASE, end_stream=True)
    wire.sendall(connection.data_to_send())
    print(sorted(events(wire, connection, [1, 3, 7]).items(), key=str))
