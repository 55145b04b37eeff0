"""Google's Files and Batch APIs: strict, charged by the request at half the price, driven step by step."""

import json
import re
from decimal import Decimal

from tests.fakes.batch_gate import Gate
from tests.fakes.gemini import (
    KEY,
    MODELS,
    Rejected,
    _camel,
    _checked_content,
    _only,
    content,
    error_info,
    image_part,
    png,
)
from tests.fakes.http_server import Reply, Request
from tests.fakes.samples import sample

HALF_PRICES = {"prompt": Decimal("0.75"), "image": Decimal(15)}
"""Of a million tokens of gemini-nano-banana-2.1 in a batch job."""

_VERSION = re.compile(r"^(/upload)?/(?:v1|v1beta)(?=/)")


class FakeGeminiBatches:
    """A job stays as it is until `advance` or `finish`, or a look at it, if it is ``by_itself``.

    Attributes:
        files: the bytes of all files, by name.
        jobs: the operations, oldest first.
        gate: stops the service at a request.
        refuses: requests whose prompt has this fail.
        image: returns the bytes of an image by its number.
        piece_bytes: how much of a file of answers is sent at once.
        ledger: the prompts of the completed requests.
        charged: dollars for them, at half the price.
        page_size: of the list of jobs, at most.
        upload_host: where uploads are said to go; left out, here.
    """

    key = KEY

    def __init__(self, *, by_itself: bool = False) -> None:
        self.files: dict[str, bytes] = {}
        self.jobs: list[dict] = []
        self.gate, self.by_itself = Gate(), by_itself
        self.refuses, self.image, self.piece_bytes = "forbidden", lambda number: png(seed=number), 100_000
        self.ledger: list[str] = []
        self.charged, self.page_size = Decimal(), 100
        self.upload_host = ""
        self._sizes: dict[str, int] = {}

    async def __call__(self, request: Request) -> Reply:
        step = _step(request)
        if self.gate.holds_before(step):
            await self.gate.hold()
        try:
            reply = self._serve(request)
        except Rejected as rejected:
            reply = Reply.json(rejected.answer.body, rejected.answer.status)
        if self.gate.holds_after(step):
            await self.gate.hold()
        return reply

    def _serve(self, request: Request) -> Reply:
        place = f"{request.method} {_VERSION.sub(lambda match: match[1] or '', request.path)}"
        if place == "POST /upload/files/session":  # its address is the permission
            return self._upload(request)
        self._check_key(request)
        for pattern, serve in self._routes:
            if match := re.fullmatch(pattern, place):
                return serve(request, *match.groups())
        raise Rejected(404, "NOT_FOUND", f"no such path {request.path}")

    @property
    def _routes(self):
        return (
            (r"POST /upload/files", self._begin_upload),
            (r"POST /models/([\w.-]+):batchGenerateContent", self._create),
            (r"GET /batches", self._list),
            (r"POST /(batches/[\w-]+):cancel", self._cancel),
            (r"GET /(batches/[\w-]+)", self._look),
            (r"GET /(files/[\w-]+):download", self._content),
            (r"DELETE /(files/[\w-]+)", self._delete),
        )

    def _look(self, _request: Request, name: str) -> Reply:
        job = self.job(name)
        if self.by_itself:
            self.advance(job)
        return Reply.json(job)

    def _delete(self, _request: Request, name: str) -> Reply:
        if self.files.pop(name, None) is None:
            message = f"You do not have permission to access the File {name} or it may not exist."
            raise Rejected(403, "PERMISSION_DENIED", message)
        return Reply.json({})

    def _check_key(self, request: Request) -> None:
        key = request.headers.get("x-goog-api-key")
        if key is None:
            raise Rejected(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers")
        if key != KEY:
            message = "API key not valid. Please pass a valid API key."
            raise Rejected(400, "INVALID_ARGUMENT", message, error_info("API_KEY_INVALID"))

    # ---------------------------------------------------------------- files

    def _begin_upload(self, request: Request) -> Reply:
        headers = request.headers
        assert headers["x-goog-upload-protocol"] == "resumable"
        assert headers["x-goog-upload-command"] == "start"
        assert headers["x-goog-upload-header-content-type"]
        size = int(headers["x-goog-upload-header-content-length"])
        assert 0 < size <= 2_000_000_000
        _only("", request.json, {"file"})
        upload_id = f"upload-{len(self._sizes) + 1}"
        self._sizes[upload_id] = size
        url = f"http://{self.upload_host or headers['host']}{request.path}/session?upload_id={upload_id}"
        return Reply(200, b"", {"x-goog-upload-url": url, "x-goog-upload-status": "active"})

    def _upload(self, request: Request) -> Reply:
        assert request.headers["x-goog-upload-command"] == "upload, finalize"
        assert request.headers["x-goog-upload-offset"] == "0"
        assert len(request.body) == self._sizes.pop(request.query["upload_id"])
        name = self._file(request.body)
        file = {"name": name, "sizeBytes": str(len(request.body)), "state": "ACTIVE", "source": "UPLOADED"}
        return Reply.json({"file": file}, x_goog_upload_status="final")

    def _file(self, body: bytes, kind: str = "upload") -> str:
        name = f"files/{kind}-{len(self.files) + len(self.jobs) + 1}-{len(body)}"
        self.files[name] = body
        return name

    def _content(self, request: Request, name: str) -> Reply:
        assert request.query == {"alt": "media"}, request.query
        if (body := self.files.get(name)) is None:
            raise Rejected(404, "NOT_FOUND", f"{name} is not found")

        async def chunks():
            for start in range(0, len(body), self.piece_bytes):
                if start and self.gate.holds_before("piece"):
                    await self.gate.hold()
                yield body[start : start + self.piece_bytes]

        return Reply(headers={"content-type": "application/octet-stream"}, chunks=chunks())

    # ---------------------------------------------------------------- jobs

    def job(self, name: str) -> dict:
        for job in self.jobs:
            if job["name"] == name:
                return job
        raise Rejected(404, "NOT_FOUND", f"{name} is not found")

    def _create(self, request: Request, model: str) -> Reply:
        body = _camel(request.json)
        _only("", body, {"batch"})
        _only("batch", body["batch"], {"displayName", "inputConfig", "priority"})
        _only("batch.input_config", body["batch"]["inputConfig"], {"fileName"})
        if model not in MODELS:
            raise Rejected(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta")
        file = body["batch"]["inputConfig"]["fileName"]
        if file not in self.files:
            raise Rejected(400, "INVALID_ARGUMENT", f"File {file} does not exist.")
        name = f"batches/job{len(self.jobs) + 1}"
        batch = {
            "model": f"models/{model}",
            "displayName": body["batch"]["displayName"],
            "name": name,
            "state": "BATCH_STATE_PENDING",
            "inputConfig": {"fileName": file},
            "createTime": "2026-11-30T12:00:00Z",
            "updateTime": "2026-11-30T12:00:00Z",
        }
        kind = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
        self.jobs.append({"name": name, "metadata": {"@type": kind, **batch}})
        return Reply.json(self.jobs[-1])

    def _list(self, request: Request) -> Reply:
        query = request.query
        start = int(query.get("pageToken") or 0)
        end = start + min(self.page_size, int(query.get("pageSize", 10)))
        page = {"operations": self.jobs[start:end]} if self.jobs[start:end] else {}
        return Reply.json(page | ({"nextPageToken": str(end)} if end < len(self.jobs) else {}))

    def _cancel(self, _request: Request, name: str) -> Reply:
        job = self.job(name)
        if not job.get("done"):
            job["metadata"]["state"] = "BATCH_STATE_CANCELLED"
            job["done"], job["error"] = True, {"code": 1, "message": "The batch was cancelled."}
        return Reply.json({})

    def advance(self, job: dict) -> None:
        """Take the job one state further."""
        if job["metadata"]["state"] == "BATCH_STATE_PENDING":
            job["metadata"]["state"] = "BATCH_STATE_RUNNING"
        elif job["metadata"]["state"] == "BATCH_STATE_RUNNING":
            self.finish(job)

    def finish(self, job: dict, *, status: str = "completed", share: float = 1.0) -> None:
        """End the job; one that has expired has no answers, whatever was done."""
        metadata = job["metadata"]
        if status == "expired":
            metadata["state"], job["done"] = "BATCH_STATE_EXPIRED", True
            return
        model, names, answers = metadata["model"].removeprefix("models/"), set(), []
        for number, text in enumerate(self.files[metadata["inputConfig"]["fileName"]].splitlines()):
            line = json.loads(text)
            assert line.keys() == {"key", "request"}
            assert line["key"] not in names
            names.add(line["key"])
            answers.append({"key": line["key"], **self._executed(model, line["request"], number)})
        file = self._file("".join(json.dumps(answer) + "\n" for answer in answers).encode(), "batch")
        failed = sum("error" in answer for answer in answers)
        stats = {"requestCount": len(answers), "failedRequestCount": failed}
        metadata["batchStats"] = {name: str(count) for name, count in stats.items()}
        metadata["state"], metadata["output"], job["done"] = (
            "BATCH_STATE_SUCCEEDED",
            {"responsesFile": file},
            True,
        )
        job["response"] = {"responsesFile": file}

    def _executed(self, model: str, request: dict, number: int) -> dict:
        request = _camel(request)
        try:
            _checked_content(model, request)
        except Rejected as rejected:
            return {"error": {"code": 3, "message": rejected.answer.body["error"]["message"]}}
        prompt = request["contents"][0]["parts"][0]["text"]
        if self.refuses in prompt:
            return {"error": {"code": 3, "message": "The prompt was refused."}}
        self.ledger.append(prompt)
        usage = sample("gemini", "usage").body
        counts = usage["usageMetadata"]
        dollars = HALF_PRICES["prompt"] * counts["promptTokenCount"]
        self.charged += (dollars + HALF_PRICES["image"] * counts["candidatesTokenCount"]) / 1_000_000
        return {"response": content({"text": "Here"}, image_part(self.image(number)), **usage)}


def _step(request: Request) -> str:
    path = request.path
    if path.startswith("/upload"):
        return "upload" if path.endswith("/session") else "begin"
    if path.endswith(":batchGenerateContent"):
        return "start"
    if request.method == "DELETE":
        return "discard"
    if path.endswith("/batches"):
        return "find"
    return "cancel" if path.endswith(":cancel") else "answers" if path.endswith(":download") else "look"
