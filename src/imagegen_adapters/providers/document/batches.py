"""OpenAI's batch jobs: files of lines, each a request to its Images API, at half the price within a day.

https://platform.openai.com/docs/guides/batch, https://platform.openai.com/docs/api-reference/batch
"""

import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.common.calls import (
    MAX_BATCH_PAGES,
    TRANSFER_SECONDS,
    UPLOAD_SECONDS,
    ResponseCode,
    as_list,
    as_object,
    configured_headers,
    is_from_upstream,
)
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    Api,
    bad_response,
    parse_json,
    parse_spooled,
)
from imagegen_adapters.providers.document.calls import DocumentCall, Sender, unsendable
from imagegen_adapters.providers.document.expressions import UpstreamResponse
from imagegen_adapters.providers.document.responses import Classification, parse_response
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import Failure, FailureCode
from imagegen_core.ports.blobs import joined
from imagegen_core.ports.provider import BatchAnswer, BatchOutcome, ProviderBatch, ProviderCall
from imagegen_core.requests import Operation

_CLOCK_SLACK = timedelta(days=1)  # between the provider's clock and ours
_ENDPOINT = "/v1/images/generations"
_METADATA, _ABSENT = "imagegen_job", "absent"
_FINAL = frozenset({"completed", "failed", "expired", "cancelled"})
_ID = re.compile(r"[\w.-]{1,200}", re.ASCII)
_ITEM_CODES = {"batch_expired": FailureCode.RESULT_EXPIRED, "batch_cancelled": FailureCode.CANCELLED}


@attrs.frozen
class OpenAiBatches:
    """``call_of`` and ``sender_of`` make what sends by a configuration's document.

    Failed, expired and cancelled requests cost nothing: "You will be charged for tokens consumed from any
    completed requests."
    """

    call_of: Callable[[ProviderCall], DocumentCall]
    sender_of: Callable[[ProviderConfig], Sender]

    async def line(self, name: str, call: ProviderCall) -> bytes:
        document_call, request = self.call_of(call), call.request
        if request.operation is not Operation.GENERATE or document_call.operation.streams(request.params):
            raise unsendable(ResponseCode.NOT_IN_BATCH())
        body = (await document_call.paid_request(None)).body
        fields = {} if body is None else json.loads(await body.whole(None))
        line = {"custom_id": name, "method": "POST", "url": _ENDPOINT, "body": fields}
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")

    async def upload(self, batch: ProviderBatch, lines: AsyncIterator[bytes], *, size: int) -> str:
        boundary = f"imagegen-{secrets.token_hex(16)}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{batch.job_id}.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n'
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()

        async def body() -> AsyncIterator[bytes]:
            async for chunk in joined(head, lines):
                yield chunk
            yield tail

        headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(len(head) + size + len(tail)),
        }
        options: dict[str, Any] = {"headers": headers, "content": body(), "seconds": UPLOAD_SECONDS}
        return _id(await self._ask(batch, "POST", "/files", **options))

    async def start(self, batch: ProviderBatch, file: str) -> UpstreamJob:
        fields = {
            "input_file_id": file,
            "endpoint": _ENDPOINT,
            "completion_window": "24h",
            "metadata": {_METADATA: batch.job_id},
        }
        return UpstreamJob(id=_id(await self._ask(batch, "POST", "/batches", json=fields)))

    async def find(self, batch: ProviderBatch) -> UpstreamJob | None:
        since, after = (batch.created_at - _CLOCK_SLACK).timestamp(), ""
        for _ in range(MAX_BATCH_PAGES):
            page = await self._ask(batch, "GET", f"/batches?limit=100{after}")
            jobs, has_more = page.get("data"), page.get("has_more")
            if not isinstance(jobs, list) or not isinstance(has_more, bool):
                raise bad_response(ResponseCode.RESPONSE_UNREADABLE())
            for job in map(as_object, jobs):
                if as_object(job.get("metadata")).get(_METADATA) == batch.job_id:
                    return UpstreamJob(id=_id(job))
            oldest = as_object(jobs[-1]).get("created_at") if jobs else None
            if not has_more or (isinstance(oldest, int) and oldest < since):  # newest first
                return None
            after = f"&after={_id(as_object(jobs[-1] if jobs else None))}"
        raise bad_response(ResponseCode.RESPONSE_VALUES())

    async def discard(self, batch: ProviderBatch, file: str) -> None:
        await self._ask(batch, "DELETE", f"/files/{file}", absent_ok=True)

    async def outcome(self, batch: ProviderBatch, job: UpstreamJob) -> BatchOutcome | None:
        answer = await self._ask(batch, "GET", f"/batches/{job.id}", absent_ok=True)
        if _ABSENT in answer:
            return BatchOutcome(rest=Failure(FailureCode.RESULT_EXPIRED, ResponseCode.JOB_UNKNOWN()))
        status = answer.get("status")
        if status not in _FINAL:
            return None
        files = (answer.get("output_file_id"), answer.get("error_file_id"))
        rest = Failure(FailureCode.BAD_RESPONSE, ResponseCode.NOT_AMONG_ANSWERS())
        if status == "expired":
            rest = Failure(FailureCode.RESULT_EXPIRED, ResponseCode.BATCH_EXPIRED(), possible_charge=False)
        elif status == "cancelled":
            rest = Failure(FailureCode.CANCELLED, ResponseCode.JOB_CANCELLED())
        elif status == "failed":
            error = as_object(next(iter(as_list(as_object(answer.get("errors")).get("data"))), None))
            sender, code, message = self.sender_of(batch.config), error.get("code"), error.get("message")
            response = UpstreamResponse(status=400, headers={}, secret=sender.secret)
            rest = _failure(sender.classify(response, str(code or "") or None, str(message or "")))
        return BatchOutcome(files=tuple(str(file) for file in files if file), rest=rest)

    async def answers(self, batch: ProviderBatch, file: str) -> AsyncIterator[bytes]:
        url, outbound = f"{batch.config.api_base}/files/{file}/content", self.sender_of(batch.config).outbound
        headers, maximum = await self._headers(batch), 2**40
        async for chunk in outbound.download(
            url, config=batch.config, headers=headers, max_bytes=maximum, timeout=TRANSFER_SECONDS
        ):
            yield chunk

    def read(self, file: BinaryIO, batch: ProviderBatch, spooled_as: str) -> BatchAnswer:
        tree = as_object(parse_spooled(file).tree)
        name, response = str(tree.get("custom_id") or ""), as_object(tree.get("response"))
        status = response.get("status_code")
        if status == 200 and not tree.get("error"):  # noqa: PLR2004 - a success
            data = {
                "file": spooled_as,
                "inside": ["response", "body"],
                "kind": "json",
                "status": status,
                "url": str(batch.config.api_base),
                "headers": {"x-request-id": str(response.get("request_id") or "")},
            }
            return BatchAnswer(name=name, result=Receipt(data=data))
        sender, error = self.sender_of(batch.config), as_object(tree.get("error"))
        answer = UpstreamResponse(
            status=status if isinstance(status, int) else 400,
            headers={},
            tree=response.get("body"),
            secret=sender.secret,
        )
        if not error:
            return BatchAnswer(name=name, result=_failure(sender.classify(answer)))
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
        failure = _failure(sender.classify(answer, code, message))
        if code in _ITEM_CODES:
            failure = attrs.evolve(failure, code=_ITEM_CODES[code], retryable=True)  # and free
        return BatchAnswer(name=name, result=failure)

    async def cancel(self, batch: ProviderBatch, job: UpstreamJob) -> None:
        await self._ask(batch, "POST", f"/batches/{job.id}/cancel", absent_ok=True)

    async def _ask(
        self, batch: ProviderBatch, method: str, path: str, *, absent_ok: bool = False, **request: Any
    ) -> Mapping[str, Any]:
        """Return the answer's object, with ``absent_ok`` `_ABSENT` for a 404; anything else raises."""
        sender = self.sender_of(batch.config)
        api = Api(
            outbound=sender.outbound,
            config=batch.config,
            base=str(batch.config.api_base),
            headers=await self._headers(batch),
            seconds=batch.config.timeout,
            max_bytes=MAX_JSON_BYTES,
        )
        async with api.response_to(method, path, **request) as response:
            answer = await api.answer_of(response)
        if answer.is_success:
            return as_object(parse_json(answer.body))
        if absent_ok and answer.status == 404 and is_from_upstream(answer.status, answer.body):  # noqa: PLR2004 - not found
            return {_ABSENT: True}
        error = parse_response(answer.status, answer.headers, answer.body, sender.secret)
        raise sender.classify(error).submit_error()

    async def _headers(self, batch: ProviderBatch) -> dict[str, str]:
        credentials, _ = await self.sender_of(batch.config).credentials()
        return {**configured_headers(batch.config), **credentials}


def _id(answer: Mapping[str, Any]) -> str:
    upstream_id = answer.get("id")
    if not isinstance(upstream_id, str) or not _ID.fullmatch(upstream_id):
        raise bad_response(ResponseCode.NO_JOB())
    return upstream_id


def _failure(classification: Classification) -> Failure:
    """Return the failure of a request that the job did not complete, and that costs nothing."""
    failure = classification.submit_error().failure
    code = failure.code
    return Failure(
        FailureCode.UNAVAILABLE if code is FailureCode.OUTCOME_UNKNOWN else code,
        failure.reason,
        possible_charge=False,
        upstream_status=failure.upstream_status,
        upstream_code=failure.upstream_code,
    )
