"""Runs in its own network namespace: a name server with changing answers, and how our client reacts.

Prints one JSON object. Started by test_rebinding.py, which sets up the addresses and /etc/resolv.conf.
"""

import asyncio
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from imagegen_adapters.outbound.addresses import OutboundGuard
from imagegen_adapters.outbound.client import Outbound
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, UpstreamNotAllowed

PUBLIC, METADATA = "93.184.216.34", "169.254.169.254"
ANSWERS = {  # for each name, the answers to successive queries; the last one is repeated
    "naive.example": [[PUBLIC], [METADATA]],
    "flips.example": [[PUBLIC], [METADATA]],
    "flips-later.example": [[PUBLIC], [PUBLIC], [METADATA]],
    "both.example": [[PUBLIC, METADATA]],
    "result.example": [[PUBLIC], [METADATA]],
    "hop.example": [[METADATA]],
}
query_counts = dict.fromkeys(ANSWERS, 0)
served = {PUBLIC: 0, METADATA: 0}


def name_server(ready):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 53))
        ready.set()
        while True:
            query, peer = sock.recvfrom(512)
            sock.sendto(reply_to(query), peer)


def reply_to(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += query[at] + 1
    name, (kind,) = ".".join(labels).lower(), struct.unpack("!H", query[at + 1 : at + 3])
    addresses = []
    if kind == 1 and name in ANSWERS:
        row = ANSWERS[name]
        addresses = row[min(query_counts[name], len(row) - 1)]
        query_counts[name] += 1
    head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(addresses), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(address) for address in addresses
    )
    return head + query[12 : at + 5] + records


class Everybody(BaseHTTPRequestHandler):
    """Acts as the public host or as the metadata service, depending on the address called."""

    def do_GET(self):
        address = self.connection.getsockname()[0]
        served[address] += 1
        if self.path == "/hop":
            self.send_response(302)
            self.send_header("Location", "http://hop.example/secret")
            self.end_headers()
            return
        body = (
            b"METADATA SECRET"
            if address == METADATA
            else b"public, called as " + self.headers["Host"].encode()
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def naive(name):
    """Resolve and check the name first and call it by name afterwards, the usual mistake."""
    address = socket.getaddrinfo(name, 80)[0][4][0]
    async with httpx.AsyncClient(trust_env=False) as client:
        return address, (await client.get(f"http://{name}/")).text


async def called(outbound, name, path="/"):
    config = ProviderConfig(
        provider_name="fake", source=ConfigSource.FILE, api_base=f"http://{name}", timeout_seconds=10
    )
    try:
        await OutboundGuard(outbound.gate).check(f"http://{name}")
        return (await outbound.api_client(config).get(f"http://{name}{path}")).text
    except UpstreamNotAllowed:
        return "refused"


async def downloaded(outbound, url):
    config = ProviderConfig(provider_name="fake", source=ConfigSource.FILE, api_base="http://unknown.example")
    try:
        chunks = outbound.download(url, config=config, max_bytes=1000, timeout=10)
        return b"".join([chunk async for chunk in chunks]).decode()
    except CallError as error:
        return error.failure.code


async def main():
    outbound = Outbound()
    results = {"naive": await naive("naive.example")}
    served[METADATA] = 0
    results |= {
        "flips between saving and calling": await called(outbound, "flips.example"),
        "flips after connecting": await called(outbound, "flips-later.example"),
        "one of two": await called(outbound, "both.example"),
        "result is public": await downloaded(outbound, "http://result.example/x.png"),
        "result flips": await downloaded(Outbound(), "http://result.example/x.png"),
        "redirect": await downloaded(Outbound(), f"http://{PUBLIC}/hop"),
        "listed metadata": await called(
            Outbound(allow_private={f"{METADATA}:80", "hop.example:80"}), "hop.example"
        ),
        "metadata connections": served[METADATA],
    }
    print(json.dumps(results))


if __name__ == "__main__":
    listening = threading.Event()
    threading.Thread(target=name_server, args=(listening,), daemon=True).start()
    listening.wait()
    threading.Thread(
        target=ThreadingHTTPServer(("0.0.0.0", 80), Everybody).serve_forever, daemon=True
    ).start()
    asyncio.run(main())
