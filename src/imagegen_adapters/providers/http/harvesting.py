"""Turns a kept answer into pictures whose bytes are downloaded or decoded when somebody asks for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.http.calls import DocumentCall
from imagegen_adapters.providers.http.classification import Answer, job_error, judge, verdict
from imagegen_adapters.providers.http.egress import absolute_url, check_download, same_origin
from imagegen_adapters.providers.http.extraction import Found, find_pictures
from imagegen_adapters.providers.http.requests import credentials_of
from imagegen_adapters.providers.spooled_json import (
    LongString,
    SpooledJson,
    decoded,
    in_thread,
    parse_spooled,
)
from imagegen_adapters.providers.wording import shorten
from imagegen_core.attempts import Receipt
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.images import MAX_BYTES
from imagegen_core.ports.provider import Exchange, Harvest, Picture

_BLOCK = 256 * 1024


@attrs.frozen(kw_only=True)
class Harvester:
    """Reads one receipt. ``parses`` bounds how many answers are parsed at once, over all calls."""

    of: DocumentCall
    receipt: Receipt
    exchange: Exchange
    parses: asyncio.Semaphore

    async def harvest(self) -> Harvest:
        """Return the pictures.

        Raises:
            CallError: there is none.
        """
        if self.receipt.data["kind"] == "raw":
            return Harvest(pictures=(self._raw(),), warnings=self._warnings())
        spooled = await self._parsed()
        findings = find_pictures(
            spooled,
            self.of.operation.response,
            self.receipt.data["headers"],
            base_url=str(self.of.call.config.api_base),
        )
        if findings.failed:
            answer = self._answer(spooled)
            raise job_error(judge(answer, self.of.document.errors, self.of.now), answer)
        if findings.blocked:
            raise self._blocked(spooled)
        pictures: list[Picture] = []
        failures: list[CallError] = []
        for found in findings.items:
            made = self._picture(self._with_seed(found), spooled)
            if isinstance(made, CallError):
                failures.append(made)
            else:
                pictures.append(made)
        if not pictures:
            raise self._nothing(failures, spooled)
        return Harvest(pictures=tuple(pictures), failures=tuple(failures), warnings=self._warnings())

    def _with_seed(self, found: Found) -> Found:
        """Return the item with the seed that was drawn here, unless the vendor tells one."""
        seed = self.of.drawn_seed
        return found if seed is None else attrs.evolve(found, metadata={"seed": seed, **found.metadata})

    async def _parsed(self) -> SpooledJson:
        async with self.parses:
            with self._opened() as file:
                return await asyncio.to_thread(parse_spooled, file)

    def _warnings(self) -> tuple[str, ...]:
        said = (self.of.operation.warning,) if self.of.operation.warning else ()
        return (*self.of.scope().notes, *said)

    def _raw(self) -> Picture:
        spec = self.of.operation.response.raw
        headers = self.receipt.data["headers"]
        named = {} if spec is None else spec.meta_headers
        metadata = {name: headers[h.lower()] for name, h in named.items() if h.lower() in headers}

        async def chunks() -> AsyncIterator[bytes]:
            with self._opened() as file:
                async for block in in_thread(iter(lambda: file.read(_BLOCK), b"")):
                    yield block

        return Picture(chunks=chunks, metadata=metadata)

    def _picture(self, found: Found, spooled: SpooledJson) -> Picture | CallError:
        if found.blocked:
            return CallError(FailureCode.CONTENT_POLICY, "the vendor held this picture back")
        if found.error_message is not None:
            return self._item_error(found, spooled)
        if found.base64 is not None:
            return self._inline(found.base64, spooled, found.metadata)
        if found.url is not None:
            return self._linked(found, found.url)
        return CallError(FailureCode.BAD_RESPONSE, "an item of the vendor's answer holds no picture")

    def _inline(self, text: str, spooled: SpooledJson, metadata: Any) -> Picture | CallError:
        whole = spooled.whole(text)
        length = whole.length if isinstance(whole, LongString) else len(whole)
        if length * 3 // 4 > MAX_BYTES + _BLOCK:
            return CallError(FailureCode.INVALID_IMAGE, f"the vendor sent more than {MAX_BYTES} bytes")
        return Picture(chunks=lambda: decoded(self._opened, whole), metadata=metadata)

    def _linked(self, found: Found, link: str) -> Picture | CallError:
        config, document = self.of.call.config, self.of.document
        try:
            url = absolute_url(link, str(self.receipt.data["url"]))
            check_download(url, document, config)
        except CallError as error:
            return error
        headers = dict(document.download.headers)
        if found.send_auth and same_origin(url, config):
            headers |= credentials_of(document.auth, config).headers
        outbound = self.of.sender.outbound
        seconds = max(document.download.timeout_s, config.timeout)
        return Picture(
            chunks=lambda: outbound.download(
                url, config=config, headers=headers, max_bytes=MAX_BYTES, timeout=seconds
            ),
            metadata=found.metadata,
        )

    def _opened(self) -> BinaryIO:
        return self.exchange.open_spooled(self.receipt.data["file"])

    def _answer(self, spooled: SpooledJson) -> Answer:
        data = self.receipt.data
        return Answer(
            status=data["status"], headers=data["headers"], tree=spooled.tree, secret=self.of.secret
        )

    def _item_error(self, found: Found, spooled: SpooledJson) -> CallError:
        answer = self._answer(spooled)
        message = found.error_message or ""
        return job_error(
            verdict(answer, self.of.document.errors, self.of.now, code=found.error_code, message=message),
            answer,
        )

    def _blocked(self, spooled: SpooledJson) -> CallError:
        found = judge(self._answer(spooled), self.of.document.errors, self.of.now)
        message = shorten(found.message) or "the vendor held all pictures back"
        return CallError(FailureCode.CONTENT_POLICY, message, upstream_code=found.code)

    def _nothing(self, failures: list[CallError], spooled: SpooledJson) -> CallError:
        """Return why there is no picture: a refusal if there was one, else the first failure."""
        refused = (f for f in failures if f.failure.code is FailureCode.CONTENT_POLICY)
        worst = next(refused, failures[0] if failures else None)
        if worst is not None:
            return worst
        answer = self._answer(spooled)
        found = judge(answer, self.of.document.errors, self.of.now)
        if found.code is not None and found.matched:
            return job_error(found, answer)
        said = f": {shorten(found.message)}" if found.message else ""
        return CallError(FailureCode.BAD_RESPONSE, f"the vendor's answer holds no picture{said}")
