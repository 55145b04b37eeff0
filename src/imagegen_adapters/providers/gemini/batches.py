"""Gemini's batch jobs: a file of lines, each a ``generateContent``, at half the price, mostly within a day.

https://ai.google.dev/gemini-api/docs/batch-api, https://ai.google.dev/api/batch-api. Requests that fail cost
nothing (https://ai.google.dev/gemini-api/docs/billing); of jobs that end early the pages do not say that.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import attrs

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.common.calls import (
    MAX_BATCH_PAGES,
    TRANSFER_SECONDS,
    UPLOAD_SECONDS,
    ResponseCode,
    as_list,
    as_object,
    configured_headers,
    is_from_upstream,
    shorten,
)
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    Answer,
    Api,
    bad_response,
    parse_json,
    parse_spooled,
)
from imagegen_adapters.providers.gemini.requests import GeminiSettings, batch_request
from imagegen_adapters.providers.gemini.responses import ErrorResponse, call_error
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.errors import CallError, Failure, FailureCode
from imagegen_core.messages import upstream_text
from imagegen_core.ports.provider import BatchAnswer, BatchOutcome, ProviderBatch, ProviderCall
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import Operation

_LIST_FIELDS = frozenset({"operations", "nextPageToken", "unreachable"})
_FILE, _JOB = re.compile(r"files/[\w-]{1,200}", re.ASCII), re.compile(r"batches/[\w-]{1,200}", re.ASCII)
_CODES: Mapping[Any, tuple[str, FailureCode]] = {
    1: ("CANCELLED", FailureCode.CANCELLED),
    3: ("INVALID_ARGUMENT", FailureCode.REJECTED),
    4: ("DEADLINE_EXCEEDED", FailureCode.UNAVAILABLE),
    5: ("NOT_FOUND", FailureCode.REJECTED),
    7: ("PERMISSION_DENIED", FailureCode.AUTH_FAILED),
    8: ("RESOURCE_EXHAUSTED", FailureCode.RATE_LIMITED),
    9: ("FAILED_PRECONDITION", FailureCode.REJECTED),
    16: ("UNAUTHENTICATED", FailureCode.AUTH_FAILED),
}
"""By google.rpc.Code; any other is an error of Google's own."""


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

    async def upload(self, batch: ProviderBatch, lines: AsyncIterator[bytes], *, size: int) -> str:
        headers = {
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-length": str(size),
            "x-goog-upload-header-content-type": "application/jsonl",
        }
        base, version = self._address(batch)
        options: dict[str, Any] = {"headers": headers, "json": {"file": {"displayName": batch.job_id}}}
        begun = await self._send(batch, "POST", "files", root=f"{base}/upload/{version}/", **options)
        # Whatever host it names, the lines go with the key to the configured one alone.
        target, own = urlsplit(begun.headers.get("x-goog-upload-url", "")), urlsplit(base)
        headers = {
            "x-goog-upload-command": "upload, finalize",
            "x-goog-upload-offset": "0",
            "content-length": str(size),
        }
        options = {"headers": headers, "content": lines, "seconds": UPLOAD_SECONDS}
        root = f"{own.scheme}://{own.netloc}"
        answer = await self._send(batch, "POST", f"{target.path}?{target.query}", root=root, **options)
        return _name(answer.object("file"), _FILE)

    async def start(self, batch: ProviderBatch, file: str) -> UpstreamJob:
        model = batch.model.upstream_id.rpartition("models/")[2]
        fields = {"batch": {"displayName": batch.job_id, "inputConfig": {"fileName": file}}}
        path = f"models/{quote(model, safe='')}:batchGenerateContent"
        answer = await self._send(batch, "POST", path, json=fields)
        return UpstreamJob(id=_name(as_object(answer.tree), _JOB))

    async def find(self, batch: ProviderBatch) -> UpstreamJob | None:
        token = ""
        for _ in range(MAX_BATCH_PAGES):
            query = f"?pageSize=100{token and '&pageToken='}{quote(token, safe='')}"
            page = (await self._send(batch, "GET", f"batches{query}")).tree
            if not isinstance(page, Mapping) or not page.keys() <= _LIST_FIELDS:
                raise bad_response(ResponseCode.RESPONSE_UNREADABLE())
            jobs, token = page.get("operations", []), str(page.get("nextPageToken") or "")
            for job in map(as_object, as_list(jobs)):
                if as_object(job.get("metadata")).get("displayName") == batch.job_id:
                    return UpstreamJob(id=_name(job, _JOB))
            if not token:
                return None
        raise bad_response(ResponseCode.RESPONSE_VALUES())

    async def discard(self, batch: ProviderBatch, file: str) -> None:
        # Google answers 403 for a file that is gone, too.
        await self._send(batch, "DELETE", file, absent=(403, 404))

    async def outcome(self, batch: ProviderBatch, job: UpstreamJob) -> BatchOutcome | None:
        answer = await self._send(batch, "GET", job.id, absent=(404,))
        if not answer.is_success:
            return BatchOutcome(rest=Failure(FailureCode.RESULT_EXPIRED, ResponseCode.JOB_UNKNOWN()))
        metadata = answer.object("metadata")
        output = {**as_object(metadata.get("output")), **answer.object("response")}
        files = (_name({"name": output["responsesFile"]}, _FILE),) if output.get("responsesFile") else ()
        match str(metadata.get("state")).rpartition("_STATE_")[2]:
            case "SUCCEEDED" if files:  # the file may come after the state
                rest = Failure(FailureCode.BAD_RESPONSE, ResponseCode.NOT_AMONG_ANSWERS())
            case "FAILED":
                rest = attrs.evolve(_failure(answer.object("error"), batch), possible_charge=True)
            case "CANCELLED":
                reason = ResponseCode.JOB_CANCELLED()
                rest = Failure(FailureCode.CANCELLED, reason, possible_charge=True)
            case "EXPIRED":
                rest = Failure(FailureCode.RESULT_EXPIRED, ResponseCode.BATCH_EXPIRED())
            case _:
                return None
        return BatchOutcome(files=files, rest=rest)

    async def answers(self, batch: ProviderBatch, file: str) -> AsyncIterator[bytes]:
        base, version = self._address(batch)
        url, headers, maximum = f"{base}/{version}/{file}:download?alt=media", _headers(batch), 2**40
        async for chunk in self.outbound.download(
            url, config=batch.config, headers=headers, max_bytes=maximum, timeout=TRANSFER_SECONDS
        ):
            yield chunk

    def read(self, file: BinaryIO, batch: ProviderBatch, spooled_as: str) -> BatchAnswer:
        tree = as_object(parse_spooled(file).tree)
        name = str(tree.get("key") or as_object(tree.get("metadata")).get("key") or "")
        if isinstance(tree.get("response"), Mapping):
            return BatchAnswer(name=name, result=Receipt(data={"file": spooled_as, "inside": ["response"]}))
        return BatchAnswer(name=name, result=_failure(as_object(tree.get("error")), batch))

    async def cancel(self, batch: ProviderBatch, job: UpstreamJob) -> None:
        await self._send(batch, "POST", f"{job.id}:cancel", json={}, absent=(400, 404))

    def _address(self, batch: ProviderBatch) -> tuple[str, str]:
        return GeminiSettings.from_config(batch.config).address(batch.config.api_base)

    async def _send(
        self,
        batch: ProviderBatch,
        method: str,
        path: str,
        *,
        root: str | None = None,
        absent: tuple[int, ...] = (),
        **request: Any,
    ) -> Answer:
        """Return a success, or an answer with an ``absent`` status; anything else raises."""
        (base, version), config = self._address(batch), batch.config
        api = Api(
            outbound=self.outbound,
            config=config,
            base=f"{base}/{version}/" if root is None else root,
            headers=_headers(batch),
            secrets=_secrets(batch),
            seconds=config.timeout,
            max_bytes=MAX_JSON_BYTES,
        )
        async with api.response_to(method, path, **request) as response:
            answer = await api.answer_of(response)
        if answer.is_success and answer.body.strip():
            parse_json(answer.body)
        elif not answer.is_success and (
            answer.status not in absent or not is_from_upstream(answer.status, answer.body)
        ):
            error = ErrorResponse(**attrs.asdict(answer, recurse=False))
            raise call_error(error, model=batch.model, now=self.clock.now())
        return answer


def _headers(batch: ProviderBatch) -> dict[str, str]:
    key = batch.config.api_key
    return {
        **configured_headers(batch.config),
        **({} if key is None else {"x-goog-api-key": key.reveal()}),
    }


def _secrets(batch: ProviderBatch) -> tuple[str, ...]:
    return () if batch.config.api_key is None else (batch.config.api_key.reveal(),)


def _name(answer: Mapping[str, Any], pattern: re.Pattern[str]) -> str:
    name = answer.get("name")
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise bad_response(ResponseCode.NO_JOB())
    return name


def _failure(error: Mapping[str, Any], batch: ProviderBatch) -> Failure:
    """Return the failure of a request that Google did not complete, and that costs nothing."""
    number, message = error.get("code"), str(error.get("message") or "")
    name, code = _CODES.get(
        number, (str(error.get("status") or number or "UNKNOWN"), FailureCode.UNAVAILABLE)
    )
    reason = ResponseCode.RESPONSE_CODE(code=name)
    if message:
        reason = upstream_text(shorten(message, _secrets(batch)))
    return Failure(code, reason, possible_charge=False, upstream_code=name)
