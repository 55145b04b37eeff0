"""Sends webhooks: signed by Standard Webhooks, only to receivers whose addresses may be called."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

import httpcore2
import httpx

from imagegen_adapters.outbound.addresses import (
    AddressCode,
    AddressGate,
    IpAddress,
    NameLookups,
    canonical_host,
    non_public_reason,
    normalized,
)
from imagegen_adapters.outbound.errors import TRANSPORT_FAILURES, call_error
from imagegen_adapters.outbound.transport import (
    CheckedBackend,
    PooledTransport,
    PoolLimits,
    SocketStream,
    public_tls,
)
from imagegen_adapters.providers.common.calls import parse_retry_after
from imagegen_core.config import parse_receiver
from imagegen_core.errors import UpstreamNotAllowed
from imagegen_core.limits import MAX_WEBHOOK_ANSWER_BYTES
from imagegen_core.messages import Message
from imagegen_core.ports.webhooks import Receipt
from imagegen_core.secrets import Secret
from imagegen_core.values import valid_text

_LIMITS = PoolLimits(connections=192, idle_connections=0)  # 4 tries and 4 tests of 16 endpoints, 50 others
_ANSWER_SECONDS = 2.0  # for the body, once the status is there
_READ_BYTES = 48 * 1024  # of a connection: interim answers, the head, and the part of the body that is kept
_PIECE_BYTES = 4096  # that are parsed in one go
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
        except (httpx.InvalidURL, UnicodeError) as error:  # it only looks like a name, such as xn--a
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


class _ShortStream(SocketStream):
    """A connection that little is read from: parsing endless interim answers keeps all others waiting."""

    _allowance = _READ_BYTES

    def data_received(self, data: bytes) -> None:
        for at in range(0, len(data), _PIECE_BYTES):
            super().data_received(data[at : at + _PIECE_BYTES])

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._allowance <= 0:
            raise httpcore2.RemoteProtocolError("the answer is too long")
        data = await super().read(max_bytes, timeout)
        self._allowance -= len(data)
        return data


class WebhookClient:
    """Sends events, each over a connection of its own to an address that the ``gate`` has checked."""

    def __init__(self, gate: AddressGate, *, lookups: NameLookups | None = None) -> None:
        self.gate = gate
        self._lookups = lookups
        self._transport: PooledTransport | None = None

    async def post(
        self, url: str, event_id: str, at: datetime, body: str, secrets: tuple[Secret, ...]
    ) -> Receipt:
        """Send an event once, by the rules of `imagegen_core.ports.webhooks.Post`."""
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "imagegen-webhooks",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
        }
        if secrets:
            from standardwebhooks import Webhook  # few services need it

            utc = at.astimezone(UTC)  # it takes any other zone for UTC
            signatures = (Webhook(secret.reveal()).sign(event_id, utc, body) for secret in secrets)
            headers["webhook-signature"] = " ".join(signatures)
        try:
            request = httpx.Request("POST", url, headers=headers, content=body.encode())
            response = await self._pool().handle_async_request(request)
        except UpstreamNotAllowed as error:
            return Receipt(error=error.advice)
        except UnicodeError:  # the host only looks like a name, such as xn--a
            return Receipt(error=call_error(httpx.InvalidURL("")).failure.reason)
        except tuple(TRANSPORT_FAILURES) as error:
            if isinstance(error, httpx.RequestError):
                error.request = request  # messages name its host
            return Receipt(error=call_error(error).failure.reason)
        content = b""
        try:
            with suppress(*TRANSPORT_FAILURES):  # the status is what counts
                async with asyncio.timeout(_ANSWER_SECONDS):
                    async for chunk in response.aiter_raw():
                        content += chunk
                        if len(content) >= MAX_WEBHOOK_ANSWER_BYTES:
                            break
        finally:
            with suppress(*TRANSPORT_FAILURES):
                await response.aclose()
        answer = valid_text(content[:MAX_WEBHOOK_ANSWER_BYTES].decode("utf-8", "replace"))
        wait = parse_retry_after(response.headers.get("retry-after"), at)
        return Receipt(status=response.status_code, retry_after=wait, answer=answer)

    def _pool(self) -> PooledTransport:
        if self._transport is None:  # made on first use: loading the certificates is slow
            lookups = self._lookups or NameLookups(_LIMITS.connections)
            self._transport = PooledTransport(
                backend=CheckedBackend(
                    self.gate, connect_timeout=_LIMITS.connect_seconds, lookups=lookups, stream=_ShortStream
                ),
                tls=public_tls(),
                slots=asyncio.Semaphore(_LIMITS.connections),
                limits=_LIMITS,
            )
        return self._transport

    async def aclose(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
