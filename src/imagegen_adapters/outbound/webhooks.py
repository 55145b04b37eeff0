"""Sends webhooks: signed by Standard Webhooks, only to receivers whose addresses may be called."""

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

import httptools
import httpx

from imagegen_adapters.outbound.addresses import (
    AddressCode,
    AddressGate,
    IpAddress,
    NameLookups,
    NameNotResolved,
    canonical_host,
    non_public_reason,
    normalized,
)
from imagegen_adapters.outbound.errors import TRANSPORT_FAILURES, call_error, map_to_httpx_errors
from imagegen_adapters.outbound.transport import CheckedBackend, SocketStream, port_of, public_tls
from imagegen_adapters.providers.common.calls import parse_retry_after
from imagegen_core.config import parse_receiver
from imagegen_core.errors import UpstreamNotAllowed
from imagegen_core.limits import MAX_WEBHOOK_ANSWER_BYTES
from imagegen_core.messages import Message
from imagegen_core.ports.webhooks import Receipt
from imagegen_core.secrets import Secret
from imagegen_core.values import valid_text

_MAX_LOOKUPS = 192  # of names at once: 4 tries and 4 tests of 16 endpoints, and 50 others
_CONNECT_SECONDS = 10.0  # for look-up and connection together, and for TLS
_ANSWER_SECONDS = 2.0  # for the body, once the status is there
_HEAD_BYTES = 32 * 1024  # of an answer, with those in between: to read endless ones would hold up all others
_PIECE_BYTES = 4096
_BY_NETWORK = (AddressCode.PRIVATE, AddressCode.SHARED)
"""Kinds of addresses that a network allows; any other needs ``host:port``."""


class WebhookGate(AddressGate):
    """Allows public addresses, private ones of a listed network, and others that are listed exactly.

    ``host:port`` allows that name or address alone, on that port. A metadata service needs its address, since
    a name might come to lead there. Our own addresses, those of ``beside``, are always refused.
    """

    def __init__(self, allow: Iterable[str] = (), *, beside: AddressGate) -> None:
        entries = [*map(parse_receiver, allow)]
        super().__init__()
        named = (entry for entry in entries if isinstance(entry, tuple))
        self._listed = {(canonical_host(host), port) for host, port in named}
        self._networks = [entry for entry in entries if not isinstance(entry, tuple)]
        self._own_addresses = beside._own_addresses  # noqa: SLF001 - of its own class

    def check_host(self, host: str, port: int) -> None:
        try:
            httpx.URL(scheme="http", host=host).host  # noqa: B018 - is decoded
            host.removesuffix(".").encode("idna")
        except (httpx.InvalidURL, UnicodeError) as error:  # it only looks like a name, such as xn--a or a..b
            refusal = UpstreamNotAllowed(AddressCode.ADDRESS_WITHOUT_HOST())
            refusal.hint = AddressCode.NO_RECEIVER()
            raise refusal from error
        super().check_host(host, port)

    def is_listed(self, host: str, port: int) -> bool:
        return (canonical_host(host), port) in self._listed

    def _refusal_reason(self, address: IpAddress, port: int, *, by_name: bool) -> AddressCode | None:
        effective = normalized(address)
        if effective.is_unspecified:
            return AddressCode.UNSPECIFIED
        if self._is_own_address(effective, port):
            return AddressCode.THIS_SERVICE
        if (str(effective), port) in self._listed:
            return None
        reason = non_public_reason(address)
        if reason in _BY_NETWORK and any(
            effective.version == network.version and effective in network for network in self._networks
        ):
            return None
        return None if by_name and reason is not AddressCode.METADATA_SERVICE else reason

    def _hint(self, kind: AddressCode, entry: str) -> Message:
        if kind in (AddressCode.UNSPECIFIED, AddressCode.THIS_SERVICE):
            return AddressCode.NO_RECEIVER()
        code = AddressCode.ALLOW_NETWORK if kind in _BY_NETWORK else AddressCode.ALLOW_RECEIVER
        return code(entry=entry)


class _Answer:
    """What `httptools` reads of an answer: its status, when to come again, and the beginning of its body."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.retry_after = ""
        self.body = b""
        self.is_complete = self.keeps_connection = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.keeps_connection = False
            if not self.is_complete:
                raise httpx.RemoteProtocolError("this is no answer") from error

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status is None and name.lower() == b"retry-after":
            self.retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.status is None and (status := self._parser.get_status_code()) not in range(100, 200):
            self.status = status

    def on_body(self, part: bytes) -> None:
        self.body += part[:MAX_WEBHOOK_ANSWER_BYTES]

    def on_message_complete(self) -> None:
        if self.status is not None:
            self.keeps_connection = not self.is_complete and self._parser.should_keep_alive()
            self.is_complete = True


async def _exchange(stream: SocketStream, message: bytes) -> _Answer:
    """Send a request and return what came of its answer, once the status and enough of the body is there."""
    answer, size = _Answer(), 0
    with suppress(httpx.WriteError), map_to_httpx_errors():  # some answer before they have read all
        await stream.write(message)
    with map_to_httpx_errors():
        while answer.status is None:
            piece = await stream.read(_PIECE_BYTES)
            if not piece or size >= _HEAD_BYTES:
                raise httpx.RemoteProtocolError("there is no whole head")
            answer.feed(piece[: _HEAD_BYTES - size])
            size += len(piece)
    with suppress(*TRANSPORT_FAILURES), map_to_httpx_errors():  # the status is what counts
        async with asyncio.timeout(_ANSWER_SECONDS):
            while not answer.is_complete and len(answer.body) < MAX_WEBHOOK_ANSWER_BYTES:
                if not (piece := await stream.read(_PIECE_BYTES)):
                    break
                answer.feed(piece)
    return answer


_Place: TypeAlias = tuple[str, str, int]  # scheme, host and port


@lru_cache(256)
def _place_of(url: str) -> tuple[_Place, str]:
    """Return where a URL leads, and the first lines of a request to it."""
    parsed = httpx.URL(url)
    parsed.host  # noqa: B018 - is decoded, and may only look like a name
    path, name = parsed.raw_path.decode("ascii"), parsed.netloc.decode("ascii")
    place = parsed.scheme, parsed.raw_host.decode("ascii"), port_of(parsed)
    return place, f"POST {path} HTTP/1.1\r\nHost: {name}\r\n"


class WebhookClient:
    """Sends events over connections to addresses that the ``gate`` has checked.

    A connection is kept for ``keep_seconds``, which is shorter than any common server keeps it, and only used
    if that has not closed it. ``tls`` are the certificates to trust, if not the public ones.
    """

    def __init__(
        self,
        gate: AddressGate,
        *,
        lookups: NameLookups | None = None,
        tls: ssl.SSLContext | None = None,
        keep_seconds: float = 1.5,
    ) -> None:
        self.gate, self._tls, self._keep_seconds = gate, tls, keep_seconds
        self._lookups = lookups or NameLookups(_MAX_LOOKUPS)
        self._backend = CheckedBackend(gate, connect_timeout=_CONNECT_SECONDS, lookups=self._lookups)
        self._idle: list[tuple[_Place, SocketStream, asyncio.TimerHandle]] = []  # the oldest first
        self._closing = set[asyncio.Task[None]]()

    async def post(
        self, url: str, event_id: str, at: datetime, body: str, secrets: tuple[Secret, ...]
    ) -> Receipt:
        """Send an event once, by the rules of `imagegen_core.ports.webhooks.Post`."""
        content = body.encode()
        headers = {
            "Content-Length": str(len(content)),
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "imagegen-webhooks",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
        }
        if secrets:
            from standardwebhooks import Webhook  # few services need it

            utc = at.astimezone(UTC)  # it takes any other zone for UTC
            signatures = (Webhook(secret.reveal()).sign(event_id, utc, body) for secret in secrets)
            headers["webhook-signature"] = " ".join(signatures)
        try:
            place, lines = _place_of(url)
            head = lines + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            answer = await self._send(place, f"{head}\r\n".encode("ascii") + content)
        except UpstreamNotAllowed as error:
            return Receipt(error=error.advice)
        except UnicodeError:  # the host only looks like a name, such as xn--a
            return Receipt(error=call_error(httpx.InvalidURL("")).failure.reason)
        except tuple(TRANSPORT_FAILURES) as error:
            if isinstance(error, httpx.RequestError):
                error.request = httpx.Request("POST", url)  # messages name its host
            return Receipt(error=call_error(error).failure.reason)
        text = valid_text(answer.body[:MAX_WEBHOOK_ANSWER_BYTES].decode("utf-8", "replace"))
        wait = parse_retry_after(answer.retry_after, at)
        return Receipt(status=answer.status, retry_after=wait, answer=text)

    async def _send(self, place: _Place, message: bytes) -> _Answer:
        _, host, port = place
        if any(place == other for other, *_ in self._idle):  # each try is checked
            with suppress(NameNotResolved):
                self.gate.check_addresses(host, port, await self._lookups.resolve(host, port))
        while (
            connection := next((each for each in reversed(self._idle) if each[0] == place), None)
        ) is not None:
            self._idle.remove(connection)
            _, stream, end = connection
            end.cancel()
            if not stream.get_extra_info("is_readable"):  # there, nothing can be but its end
                return await self._send_over(stream, place, message)
            await stream.aclose()
        with map_to_httpx_errors():
            stream = await self._backend.connect_tcp(host, port)
        return await self._send_over(stream, place, message, is_new=True)

    async def _send_over(
        self, stream: SocketStream, place: _Place, message: bytes, *, is_new: bool = False
    ) -> _Answer:
        """Send over a connection, which is then kept or closed."""
        scheme, host, _ = place
        answer = None
        try:
            if is_new and scheme == "https":
                with map_to_httpx_errors():
                    stream = await stream.start_tls(self._tls or public_tls(), host, _CONNECT_SECONDS)
            answer = await _exchange(stream, message)
            return answer
        finally:
            if answer is not None and answer.keeps_connection:
                end = asyncio.get_running_loop().call_later(self._keep_seconds, self._let_go)
                self._idle.append((place, stream, end))
            else:
                await stream.aclose()

    def _let_go(self) -> None:
        """Close the connection that has been kept for the longest."""
        _, stream, _ = self._idle.pop(0)
        closing = asyncio.create_task(stream.aclose(), name="webhook connection")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        while self._idle:
            _, stream, end = self._idle.pop()
            end.cancel()
            await stream.aclose()
