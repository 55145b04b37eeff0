"""OpenAI's batch jobs: files of lines, each a request to its Images API, at half the price within a day.

https://platform.openai.com/docs/guides/batch, https://platform.openai.com/docs/api-reference/batch
"""

import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import attrs

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
from imagegen_adapters.providers.document.calls import DocumentCall, Sender, unsendable
from imagegen_adapters.providers.document.expressions import UpstreamResponse
from imagegen_adapters.providers.document.responses import parse_response
from imagegen_core.attempt import Receipt
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, Failure, FailureCode
from imagegen_core.ports.blobs import joined
from imagegen_core.ports.provider import BatchOutcome, ProviderCall
from imagegen_core.requests import Operation

_CLOCK_SLACK = timedelta(days=1)  # between the provider's clock and ours
_ENDPOINT = "/v1/images/generations"
_METADATA = "imagegen_job"
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

    async def upload(self, job: ProviderCall, lines: AsyncIterator[bytes], *, size: int) -> str:
        boundary = f"imagegen-{secrets.token_hex(16)}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{job.call_id}.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n'
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
        return _id((await self._send(job, "POST", "/files", **options)).tree)

    async def start(self, job: ProviderCall, file: str) -> str:
        fields = {
            "input_file_id": file,
            "endpoint": _ENDPOINT,
            "completion_window": "24h",
            "metadata": {_METADATA: job.call_id},
        }
        return _id((await self._send(job, "POST", "/batches", json=fields)).tree)

    async def find(self, job: ProviderCall, *, since: datetime) -> str | None:
        after = ""
        for _ in range(MAX_BATCH_PAGES):
            page = as_object((await self._send(job, "GET", f"/batches?limit=100{after}")).tree)
            jobs, has_more = page.get("data"), page.get("has_more")
            if not isinstance(jobs, list) or not isinstance(has_more, bool):
                raise bad_response(ResponseCode.RESPONSE_UNREADABLE())
            for each in map(as_object, jobs):
                if as_object(each.get("metadata")).get(_METADATA) == job.call_id:
                    return _id(each)
            oldest = as_object(jobs[-1]).get("created_at") if jobs else None
            is_before = isinstance(oldest, int) and oldest < (since - _CLOCK_SLACK).timestamp()
            if not has_more or is_before:  # newest first
                return None
            after = f"&after={_id(jobs[-1] if jobs else None)}"
        raise bad_response(ResponseCode.RESPONSE_VALUES())

    async def discard(self, job: ProviderCall, file: str) -> None:
        await self._send(job, "DELETE", f"/files/{file}", absent=(404,))

    async def outcome(self, job: ProviderCall, upstream_id: str) -> BatchOutcome | None:
        answer = await self._send(job, "GET", f"/batches/{upstream_id}", absent=(404,))
        if not answer.is_success:
            return BatchOutcome(rest=Failure(FailureCode.RESULT_EXPIRED, ResponseCode.JOB_UNKNOWN()))
        tree = as_object(answer.tree)
        match tree.get("status"):
            case "completed":
                rest = Failure(FailureCode.BAD_RESPONSE, ResponseCode.NOT_AMONG_ANSWERS())
            case "expired":
                reason = ResponseCode.BATCH_EXPIRED()
                rest = Failure(FailureCode.RESULT_EXPIRED, reason, possible_charge=False)
            case "cancelled":
                rest = Failure(FailureCode.CANCELLED, ResponseCode.JOB_CANCELLED())
            case "failed":
                errors = as_list(as_object(tree.get("errors")).get("data"))
                rest = self._failure(job, as_object(next(iter(errors), None)))
            case _:
                return None
        files = (tree.get("output_file_id"), tree.get("error_file_id"))
        return BatchOutcome(files=tuple(str(file) for file in files if file), rest=rest)

    async def answers(self, job: ProviderCall, file: str) -> AsyncIterator[bytes]:
        async for chunk in (await self._api(job)).download(f"/files/{file}/content"):
            yield chunk

    def read(
        self, job: ProviderCall, file: BinaryIO, spooled_as: str, *, is_whole: bool
    ) -> tuple[str, Receipt | Failure]:
        tree = parse_line(file, is_whole=is_whole)
        name, response = str(tree.get("custom_id") or ""), as_object(tree.get("response"))
        status, error = response.get("status_code"), as_object(tree.get("error"))
        if status == 200 and not error:  # noqa: PLR2004 - a success
            data = {
                "file": spooled_as,
                "inside": ["response", "body"],
                "kind": "json",
                "status": status,
                "url": str(job.config.api_base),
                "headers": {"x-request-id": str(response.get("request_id") or "")},
            }
            return name, Receipt(data=data)
        failure = self._failure(job, error, status=status, tree=response.get("body"))
        if code := _ITEM_CODES.get(str(error.get("code"))):
            failure = attrs.evolve(failure, code=code, retryable=True)  # and free
        return name, failure

    async def cancel(self, job: ProviderCall, upstream_id: str) -> None:
        await self._send(job, "POST", f"/batches/{upstream_id}/cancel", absent=(404,))

    async def _api(self, job: ProviderCall) -> Api:
        sender = self.sender_of(job.config)
        credentials, _ = await sender.credentials()
        return Api(
            outbound=sender.outbound,
            config=job.config,
            base=str(job.config.api_base),
            headers={**configured_headers(job.config), **credentials},
            seconds=job.config.timeout,
            max_bytes=MAX_JSON_BYTES,
        )

    async def _send(self, job: ProviderCall, method: str, path: str, **request: Any) -> Answer:
        def error(answer: Answer) -> CallError:
            sender = self.sender_of(job.config)
            response = parse_response(answer.status, answer.headers, answer.body, sender.secret)
            return sender.classify(response).submit_error()

        return await (await self._api(job)).checked(method, path, error=error, **request)

    def _failure(
        self, job: ProviderCall, error: Mapping[str, Any], *, status: Any = None, tree: Any = None
    ) -> Failure:
        """Return why a job failed, or a call of it by its answer or by the ``error`` in place of that."""
        sender, status = self.sender_of(job.config), status if isinstance(status, int) else 400
        response = UpstreamResponse(status=status, headers={}, tree=tree, secret=sender.secret)
        texts = (str(error.get("code") or "") or None, str(error.get("message") or "")) if error else ()
        return free_failure(sender.classify(response, *texts).submit_error())


def _id(tree: Any) -> str:
    upstream_id = as_object(tree).get("id")
    if not isinstance(upstream_id, str) or not _ID.fullmatch(upstream_id):
        raise bad_response(ResponseCode.NO_JOB())
    return upstream_id
