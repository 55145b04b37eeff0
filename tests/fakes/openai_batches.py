"""OpenAI's Files and Batch APIs beside its Images API: strict, with charges, driven step by step."""

import base64
import json
import re
from decimal import Decimal

from tests.fakes.batch_gate import Gate
from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png
from tests.fakes.openai_images import FakeOpenAI, _problem
from tests.fakes.samples import sample

MAX_LINES, MAX_BYTES = 50_000, 200_000_000
ENDPOINTS = ("/v1/images/generations", "/v1/images/edits", "/v1/responses", "/v1/chat/completions")
HALF_PRICES = {"text": Decimal("2.5"), "image_input": Decimal(4), "image": Decimal(15)}
"""Of a million tokens in a batch job."""

_LINE = {"custom_id", "method", "url", "body"}
_CREATE = {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}


class FakeOpenAIBatches(FakeOpenAI):
    """A job stays as it is until `advance` or `finish`, or a look at it, if it is ``by_itself``.

    Attributes:
        files: the bytes of all files, by id.
        jobs: the batch objects, oldest first.
        gate: stops the service at a request.
        refuses: requests whose prompt has this fail.
        image: returns the bytes of an image by its number.
        piece_bytes: how much of a file of answers is sent at once.
        ledger: the prompts of the completed requests.
        charged: dollars for the completed requests, at half the price.
        tokens_left: whether the organisation may enqueue more.
    """

    def __init__(self, *, by_itself: bool = False) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.jobs: list[dict] = []
        self.gate, self.by_itself = Gate(), by_itself
        self.refuses, self.image, self.piece_bytes = "forbidden", png, 100_000
        self.ledger: list[str] = []
        self.charged = Decimal()
        self.tokens_left = True

    async def __call__(self, request: Request) -> Reply:
        step = _step(request)
        if self.gate.holds_before(step):
            await self.gate.hold()
        reply = super().__call__(request) if "/files" not in request.path else self._authorized(request)
        if self.gate.holds_after(step):
            await self.gate.hold()
        return reply

    def _authorized(self, request: Request) -> Reply:
        return (
            self.serve(request) if self.is_authorized(request) else self.answer("unauthorized", key=self.key)
        )

    def serve(self, request: Request) -> Reply:
        for pattern, serve in self._routes:
            if match := re.fullmatch(pattern, f"{request.method} {request.path}"):
                return serve(request, *match.groups())
        return super().serve(request)

    @property
    def _routes(self):
        return (
            (r"POST /v1/files", self._upload),
            (r"GET /v1/files/([\w-]+)/content", self._content),
            (r"DELETE /v1/files/([\w-]+)", self._delete),
            (r"POST /v1/batches", self._create),
            (r"GET /v1/batches", self._list),
            (r"GET /v1/batches/([\w-]+)", self._look),
            (r"POST /v1/batches/([\w-]+)/cancel", self._cancel),
        )

    def _look(self, _request: Request, job_id: str) -> Reply:
        if (job := self.job(job_id)) is None:
            return _not_found(f"No batch found with id '{job_id}'.")
        if self.by_itself:
            self.advance(job)
        return Reply.json(job)

    def _delete(self, _request: Request, file_id: str) -> Reply:
        if self.files.pop(file_id, None) is None:
            return _not_found(f"No such File object: {file_id}")
        return Reply.json({"id": file_id, "object": "file", "deleted": True})

    # ---------------------------------------------------------------- files

    def _upload(self, request: Request) -> Reply:
        parts = {part.name: part for part in request.parts}
        assert parts.keys() == {"purpose", "file"}, parts.keys()
        assert parts["purpose"].data == b"batch"
        file = parts["file"]
        assert file.filename is not None
        assert len(file.data) <= MAX_BYTES
        return Reply.json(self._file(file.data, file.filename))

    def _file(self, content: bytes, filename: str, purpose: str = "batch") -> dict:
        file_id = f"file-{len(self.files) + len(self.jobs) * 2 + 1:04}x{len(content)}"
        self.files[file_id] = content
        return {
            "id": file_id,
            "object": "file",
            "bytes": len(content),
            "created_at": 1,
            "filename": filename,
            "purpose": purpose,
            "status": "processed",
        }

    def _content(self, _request: Request, file_id: str) -> Reply:
        if (content := self.files.get(file_id)) is None:
            return _not_found(f"No such File object: {file_id}")

        async def chunks():
            for start in range(0, len(content), self.piece_bytes):
                if self.gate.holds_before("piece") and start:
                    await self.gate.hold()
                yield content[start : start + self.piece_bytes]

        return Reply(headers={"content-type": "application/octet-stream"}, chunks=chunks())

    # ---------------------------------------------------------------- jobs

    def job(self, job_id: str) -> dict | None:
        return next((job for job in self.jobs if job["id"] == job_id), None)

    def _create(self, request: Request) -> Reply:
        body = request.json
        assert body.keys() <= _CREATE, body.keys() - _CREATE
        assert body["endpoint"] in ENDPOINTS
        assert body["completion_window"] == "24h"
        metadata = body.get("metadata") or {}
        assert len(metadata) <= 16
        assert all(len(name) <= 64 and len(value) <= 512 for name, value in metadata.items())
        if body["input_file_id"] not in self.files:
            return _invalid(f"Invalid input_file_id: {body['input_file_id']}")
        moments = ("in_progress", "expires", "finalizing", "completed", "failed", "expired", "cancelling")
        job = {
            "id": f"batch_{len(self.jobs) + 1:04}",
            "object": "batch",
            "endpoint": body["endpoint"],
            "errors": None,
            "input_file_id": body["input_file_id"],
            "completion_window": "24h",
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": 2_000_000_000 + len(self.jobs),
            **{f"{name}_at": None for name in moments},
            "cancelled_at": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": body.get("metadata"),
        }
        self.jobs.append(job)
        return Reply.json(job)

    def _list(self, request: Request) -> Reply:
        query = request.query
        limit, after = int(query.get("limit", 20)), query.get("after")
        assert 1 <= limit <= 100
        newest = self.jobs[::-1]
        start = 0 if after is None else next(i for i, job in enumerate(newest) if job["id"] == after) + 1
        page = newest[start : start + limit]
        return Reply.json(
            {
                "object": "list",
                "data": page,
                "has_more": start + limit < len(newest),
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
            }
        )

    def _cancel(self, _request: Request, job_id: str) -> Reply:
        if (job := self.job(job_id)) is None:
            return _not_found(f"No batch found with id '{job_id}'.")
        if job["status"] not in ("validating", "in_progress", "finalizing", "cancelling"):
            return _error(409, f"Cannot cancel a batch with status '{job['status']}'.", None)
        job["status"] = "cancelling"
        return Reply.json(job)

    def advance(self, job: dict) -> None:
        """Take the job one status further."""
        following = {"validating": "in_progress", "in_progress": "finalizing", "finalizing": "completed"}
        if job["status"] == "validating" and (problem := self._invalid_line(job)) is not None:
            job["status"], job["errors"] = "failed", {"object": "list", "data": [problem]}
        elif job["status"] == "finalizing":
            self.finish(job)
        elif job["status"] == "cancelling":
            self.finish(job, status="cancelled", share=0.5)
        else:
            job["status"] = following.get(job["status"], job["status"])

    def finish(self, job: dict, *, status: str = "completed", share: float = 1.0) -> None:
        """End the job, with the first ``share`` of its requests done."""
        lines = [json.loads(line) for line in self.files[job["input_file_id"]].splitlines()]
        done, output, errors = round(len(lines) * share), [], []
        for number, line in enumerate(lines):
            outcome = {"id": f"batch_req_{number}", "custom_id": line["custom_id"]}
            if number >= done:
                code = {"expired": "batch_expired", "cancelled": "batch_cancelled"}[status]
                message = "This request could not be executed before the completion window expired."
                error = {"code": code, "message": message}
                errors.append({**outcome, "response": None, "error": error})
                continue
            answer = self._executed(line["body"])
            response = {"status_code": answer.status, "request_id": f"req_{number}", "body": answer.body}
            (output if answer.status == 200 else errors).append(
                {**outcome, "response": response, "error": None}
            )
        output.reverse()  # "The output line order may not match the input line order."
        counts = {"total": len(lines), "completed": len(output), "failed": len(errors)}
        job.update({"status": status, f"{status}_at": 3_000_000_000, "request_counts": counts})
        for name, results in (("output_file_id", output), ("error_file_id", errors)):
            if results:
                content = "".join(json.dumps(result) + "\n" for result in results).encode()
                job[name] = self._file(content, f"{job['id']}_{name}.jsonl", "batch_output")["id"]

    def _executed(self, body: dict):
        if self.refuses in body["prompt"]:
            return sample(self.preset, "refused")
        if (problem := _problem(body)) is not None:
            return sample(self.preset, "invalid", message=problem)
        count = int(body.get("n", 1))
        self.ledger.append(body["prompt"])
        answer = sample(
            self.preset, "images", image=tuple(base64.b64encode(self.image(i)).decode() for i in range(count))
        )
        usage = answer.body["usage"]
        tokens = usage["input_tokens_details"]
        self.charged += (
            HALF_PRICES["text"] * tokens["text_tokens"]
            + HALF_PRICES["image_input"] * tokens["image_tokens"]
            + HALF_PRICES["image"] * usage["output_tokens"]
        ) / 1_000_000
        return answer

    def _invalid_line(self, job: dict) -> dict | None:
        if not self.tokens_left:
            message = "Enqueued token limit reached for gpt-image-2 in organization org-1."
            return {"code": "token_limit_exceeded", "message": message, "param": None, "line": None}
        if (content := self.files.get(job["input_file_id"])) is None:
            return {
                "code": "file_not_found",
                "message": "The input file is gone.",
                "param": None,
                "line": None,
            }
        lines, names, models = content.decode().splitlines(), set(), set()
        assert 1 <= len(lines) <= MAX_LINES
        for number, text in enumerate(lines, 1):
            line = json.loads(text)
            problem = None
            if line.keys() != _LINE or line["method"] != "POST" or line["url"] != job["endpoint"]:
                problem = "invalid_request"
            elif len(line["custom_id"]) > 64 or line["custom_id"] in names:
                problem = "duplicate_custom_id"
            elif line["body"].get("stream"):
                problem = "invalid_request"
            names.add(line["custom_id"])
            models.add(line["body"]["model"])
            if problem is None and len(models) > 1:
                problem = "mismatched_model"
            if problem is not None:
                return {
                    "code": problem,
                    "message": f"line {number}: {problem}",
                    "param": None,
                    "line": number,
                }
        return None


def _step(request: Request) -> str:
    path = request.path
    if request.method == "POST" and path == "/v1/files":
        return "upload"
    if request.method == "POST" and path == "/v1/batches":
        return "start"
    if request.method == "GET" and path == "/v1/batches":
        return "find"
    if request.method == "DELETE":
        return "discard"
    if path.endswith("/content"):
        return "answers"
    return "cancel" if path.endswith("/cancel") else "look"


def _error(status: int, message: str, code: str | None) -> Reply:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Reply.json({"error": error}, status)


def _not_found(message: str) -> Reply:
    return _error(404, message, None)


def _invalid(message: str) -> Reply:
    return _error(400, message, "invalid_value")
