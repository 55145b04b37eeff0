"""Gemini's batch jobs: a file of lines, each a ``generateContent``, at half the price, mostly within a day.

https://ai.google.dev/gemini-api/docs/batch-api, https://ai.google.dev/api/batch-api. Requests that fail cost
nothing (https://ai.google.dev/gemini-api/docs/billing); of jobs that end early the pages do not say that.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import attrs

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.common.calls import (
    MAX_BATCH_PAGES,
    UPLOAD_SECONDS,
    ResponseCode,
    as_list,
    as_object,
    configured_headers,
    free_failure,
)
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    Answer,
    Api,
    bad_response,
    parse_line,
)
from imagegen_adapters.providers.gemini.requests import GeminiSettings, batch_request
from imagegen_adapters.providers.gemini.responses import ErrorResponse, call_error
from imagegen_core.attempt import Receipt
from imagegen_core.errors import CallError, Failure, FailureCode
from imagegen_core.ports.provider import BatchOutcome, ProviderCall
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import Operation

_LIST_FIELDS = frozenset({"operations", "nextPageToken", "unreachable"})
_FILE, _JOB = re.compile(r"files/[\w-]{1,200}", re.ASCII), re.compile(r"batches/[\w-]{1,200}", re.ASCII)
_STATUSES: Mapping[Any, tuple[str, int]] = {
    1: ("CANCELLED", 499),
    3: ("INVALID_ARGUMENT", 400),
    4: ("DEADLINE_EXCEEDED", 504),
    5: ("NOT_FOUND", 404),
    7: ("PERMISSION_DENIED", 403),
    8: ("RESOURCE_EXHAUSTED", 429),
    9: ("FAILED_PRECONDITION", 400),
    16: ("UNAUTHENTICATED", 401),
}
"""What a call by itself would be answered, by google.rpc.Code; any other is an error of Google's own."""


@attrs.frozen
class GeminiBatches:
    """The jobs of Google's developer API; of Vertex and of Imagen there are none here."""

    outbound: Outbound
    clock: Clock

    async def line(self, name: str, call: ProviderCall) -> bytes:
        if call.request.operation is not Operation.GENERATE:
            raise CallError(FailureCode.REJECTED, ResponseCode.NOT_IN_BATCH())
        request = {"key": name, "request": batch_request(call.request, call.model)}
        return json.dumps(request, ensure_ascii=False).encode("utf-8", "replace")

    async def upload(self, job: ProviderCall, lines: AsyncIterator[bytes], *, size: int) -> str:
        base, version = self._address(job)
        headers = {
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-length": str(size),
            "x-goog-upload-header-content-type": "application/jsonl",
        }
        options: dict[str, Any] = {"headers": headers, "json": {"file": {"displayName": job.call_id}}}
        begun = await self._send(job, "POST", "files", root=f"{base}/upload/{version}/", **options)
        # Whatever host it names, the lines go with the key to the configured one alone.
        target, own = urlsplit(begun.headers.get("x-goog-upload-url", "")), urlsplit(base)
        headers = {
            "x-goog-upload-command": "upload, finalize",
            "x-goog-upload-offset": "0",
            "content-length": str(size),
        }
        options = {"headers": headers, "content": lines, "seconds": UPLOAD_SECONDS}
        root = f"{own.scheme}://{own.netloc}"
        answer = await self._send(job, "POST", f"{target.path}?{target.query}", root=root, **options)
        return _name(answer.object("file"), _FILE)

    async def start(self, job: ProviderCall, file: str) -> str:
        model = quote(job.model.upstream_id.rpartition("models/")[2], safe="")
        fields = {"batch": {"displayName": job.call_id, "inputConfig": {"fileName": file}}}
        answer = await self._send(job, "POST", f"models/{model}:batchGenerateContent", json=fields)
        return _name(answer.tree, _JOB)

    async def find(self, job: ProviderCall, *, since: datetime) -> str | None:
        token = ""
        for _ in range(MAX_BATCH_PAGES):
            query = f"?pageSize=100{token and '&pageToken='}{quote(token, safe='')}"
            page = (await self._send(job, "GET", f"batches{query}")).tree
            if not isinstance(page, Mapping) or not page.keys() <= _LIST_FIELDS or page.get("unreachable"):
                raise bad_response(ResponseCode.RESPONSE_UNREADABLE())
            for each in map(as_object, as_list(page.get("operations"))):
                if as_object(each.get("metadata")).get("displayName") == job.call_id:
                    return _name(each, _JOB)
            if not (token := str(page.get("nextPageToken") or "")):
                return None
        raise bad_response(ResponseCode.RESPONSE_VALUES())

    async def discard(self, job: ProviderCall, file: str) -> None:
        # Google answers 403 for a file that is gone, too.
        await self._send(job, "DELETE", file, absent=(403, 404))

    async def outcome(self, job: ProviderCall, upstream_id: str) -> BatchOutcome | None:
        answer = await self._send(job, "GET", upstream_id, absent=(404,))
        if not answer.is_success:
            return BatchOutcome(rest=Failure(FailureCode.RESULT_EXPIRED, ResponseCode.JOB_UNKNOWN()))
        metadata = answer.object("metadata")
        output = {**as_object(metadata.get("output")), **answer.object("response")}
        files = (_name({"name": output["responsesFile"]}, _FILE),) if output.get("responsesFile") else ()
        match str(metadata.get("state")).rpartition("_STATE_")[2]:
            case "SUCCEEDED" if files:  # the file may come after the state
                rest = Failure(FailureCode.BAD_RESPONSE, ResponseCode.NOT_AMONG_ANSWERS())
            case "FAILED":
                rest = attrs.evolve(self._failure(job, answer.object("error")), possible_charge=True)
            case "CANCELLED":
                rest = Failure(FailureCode.CANCELLED, ResponseCode.JOB_CANCELLED(), possible_charge=True)
            case "EXPIRED":
                rest = Failure(FailureCode.RESULT_EXPIRED, ResponseCode.BATCH_EXPIRED())
            case _:
                return None
        return BatchOutcome(files=files, rest=rest)

    async def answers(self, job: ProviderCall, file: str) -> AsyncIterator[bytes]:
        async for chunk in self._api(job).download(f"{file}:download?alt=media"):
            yield chunk

    def read(
        self, job: ProviderCall, file: BinaryIO, spooled_as: str, *, is_whole: bool
    ) -> tuple[str, Receipt | Failure]:
        tree = parse_line(file, is_whole=is_whole)
        name = str(tree.get("key") or as_object(tree.get("metadata")).get("key") or "")
        if isinstance(tree.get("response"), Mapping):
            return name, Receipt(data={"file": spooled_as, "inside": ["response"]})
        return name, self._failure(job, as_object(tree.get("error")))

    async def cancel(self, job: ProviderCall, upstream_id: str) -> None:
        await self._send(job, "POST", f"{upstream_id}:cancel", json={}, absent=(400, 404))

    def _address(self, job: ProviderCall) -> tuple[str, str]:
        return GeminiSettings.from_config(job.config).address(job.config.api_base)

    def _api(self, job: ProviderCall) -> Api:
        key = {} if job.config.api_key is None else {"x-goog-api-key": job.config.api_key.reveal()}
        return Api(
            outbound=self.outbound,
            config=job.config,
            base="/".join((*self._address(job), "")),
            headers={**configured_headers(job.config), **key},
            secrets=tuple(key.values()),
            seconds=job.config.timeout,
            max_bytes=MAX_JSON_BYTES,
        )

    async def _send(
        self, job: ProviderCall, method: str, path: str, *, root: str | None = None, **request: Any
    ) -> Answer:
        api = self._api(job) if root is None else attrs.evolve(self._api(job), base=root)
        return await api.checked(method, path, error=lambda answer: self._error(job, answer), **request)

    def _error(self, job: ProviderCall, answer: Answer) -> CallError:
        error = ErrorResponse(**attrs.asdict(answer, recurse=False))
        return call_error(error, model=job.model, now=self.clock.now())

    def _failure(self, job: ProviderCall, error: Mapping[str, Any]) -> Failure:
        """Return why Google did not complete a call."""
        number = error.get("code")
        name, status = _STATUSES.get(number, (str(error.get("status") or number or "UNKNOWN"), 500))
        body = json.dumps({"error": {**error, "status": name}}).encode()
        answer = Answer(status=status, body=body, secrets=self._api(job).secrets)
        return attrs.evolve(free_failure(self._error(job, answer)), upstream_status=None)


def _name(tree: Any, pattern: re.Pattern[str]) -> str:
    name = as_object(tree).get("name")
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise bad_response(ResponseCode.NO_JOB())
    return name
