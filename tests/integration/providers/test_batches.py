"""The imitated batch APIs, driven by the vendors' own SDKs; and what our adapters make of them."""

import io
import json

import openai
import pytest
from google import genai

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.gemini.provider import GeminiProvider
from imagegen_adapters.system import SystemClock
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import Operation
from imagegen_core.secrets import Secret
from tests.contracts.provider import MemoryExchange, request_for
from tests.fakes.gemini import KEY, FakeGemini
from tests.fakes.gemini_batches import FakeGeminiBatches
from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.openai_batches import FakeOpenAIBatches


def openai_lines(count, forbidden=()):
    """Return a file of requests for images."""
    lines = []
    for number in range(count):
        prompt = f"cat {number}" + (" forbidden" if number in forbidden else "")
        body = {"model": "gpt-image-2", "prompt": prompt, "size": "1024x1024"}
        lines.append(
            {"custom_id": f"task-{number}", "method": "POST", "url": "/v1/images/generations", "body": body}
        )
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@pytest.fixture
def openai_batches():
    """The fake, and OpenAI's client of it."""
    with in_thread(HttpServer(FakeOpenAIBatches())) as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=FakeOpenAIBatches.key, max_retries=0)
        yield server.fake, client
        client.close()
    assert [] == server.complaints


@pytest.fixture
def gemini_batches():
    """The fake, and Google's client of it."""
    with in_thread(HttpServer(FakeGeminiBatches())) as server:
        client = genai.Client(api_key=KEY, http_options=genai.types.HttpOptions(base_url=server.url))
        yield server.fake, client
        client.close()
    assert [] == server.complaints


def _started(client, content):
    file = client.files.create(file=("requests.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/images/generations",
        completion_window="24h",
        metadata={"imagegen_job": "job-1"},
    )


def test_openais_client_runs_a_batch(openai_batches):
    """It uploads, starts, lists with pages, polls, and reads both files of results, line by line."""
    fake, client = openai_batches
    started = _started(client, openai_lines(4, forbidden=[2]))
    _started(client, openai_lines(1))
    listed = [(job.id, job.metadata) for job in client.batches.list(limit=1)]
    states = [started.status]
    while states[-1] != "completed":
        fake.advance(fake.job(started.id))
        states.append(client.batches.retrieve(started.id).status)
    job = client.batches.retrieve(started.id)
    results = [json.loads(line) for line in client.files.content(job.output_file_id).iter_lines()]
    (error,) = [json.loads(line) for line in client.files.content(job.error_file_id).iter_lines()]

    assert ["validating", "in_progress", "finalizing", "completed"] == states
    assert (started.id, {"imagegen_job": "job-1"}) == listed[1]
    assert (4, 3, 1) == (job.request_counts.total, job.request_counts.completed, job.request_counts.failed)
    assert {"task-0", "task-1", "task-3"} == {result["custom_id"] for result in results}
    assert {200} == {result["response"]["status_code"] for result in results}
    assert ("task-2", 400) == (error["custom_id"], error["response"]["status_code"])
    assert 3 == len(fake.ledger)


def test_openais_client_meets_expiry_and_cancellation(openai_batches):
    """What is not done has errors of its own, and costs nothing."""
    fake, client = openai_batches
    expired, cancelled = (_started(client, openai_lines(4)) for _ in range(2))
    fake.finish(fake.job(expired.id), status="expired", share=0.5)
    assert "cancelling" == client.batches.cancel(cancelled.id).status
    fake.advance(fake.job(cancelled.id))
    jobs = [client.batches.retrieve(job.id) for job in (expired, cancelled)]
    codes = [
        {json.loads(line)["error"]["code"] for line in client.files.content(job.error_file_id).iter_lines()}
        for job in jobs
    ]

    assert ["expired", "cancelled"] == [job.status for job in jobs]
    assert [{"batch_expired"}, {"batch_cancelled"}] == codes
    assert 4 == len(fake.ledger)


def test_openais_client_is_refused_a_file_that_is_gone(openai_batches):
    """So is an unknown job; a file with two models fails as a whole."""
    fake, client = openai_batches
    file = client.files.create(file=("requests.jsonl", openai_lines(1)), purpose="batch")
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.BadRequestError):
        client.batches.create(
            input_file_id=file.id, endpoint="/v1/images/generations", completion_window="24h"
        )
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_9999")
    mixed = openai_lines(2).replace(b"gpt-image-2", b"gpt-image-2.5-flare", 1)
    started = _started(client, mixed)
    fake.advance(fake.job(started.id))

    failed = client.batches.retrieve(started.id)
    assert ("failed", "mismatched_model") == (failed.status, failed.errors.data[0].code)


def test_googles_client_runs_a_batch(gemini_batches):
    """It uploads in a session, starts, lists with pages, polls and downloads."""
    fake, client = gemini_batches
    lines = [
        {
            "key": f"task-{number}",
            "request": {
                "contents": [{"parts": [{"text": "cat" if number else "forbidden"}]}],
                "generation_config": {"responseModalities": ["TEXT", "IMAGE"]},
            },
        }
        for number in range(3)
    ]
    content = io.BytesIO("".join(json.dumps(line) + "\n" for line in lines).encode())
    upload = genai.types.UploadFileConfig(display_name="job-1", mime_type="jsonl")
    file = client.files.upload(file=content, config=upload)
    started = [
        client.batches.create(
            model="gemini-nano-banana-2.1", src=file.name, config={"display_name": f"job-{number}"}
        )
        for number in range(3)
    ]
    fake.page_size = 2
    listed = [job.display_name for job in client.batches.list()]
    states = [str(started[0].state.name)]
    while states[-1] != "JOB_STATE_SUCCEEDED":
        fake.advance(fake.job(started[0].name))
        states.append(client.batches.get(name=started[0].name).state.name)
    job = client.batches.get(name=started[0].name)
    results = [json.loads(line) for line in client.files.download(file=job.dest.file_name).splitlines()]
    client.batches.cancel(name=started[1].name)
    client.files.delete(name=file.name)

    assert ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED"] == states
    assert {"job-0", "job-1", "job-2"} == set(listed)
    assert ["task-0", "task-1", "task-2"] == [result["key"] for result in results]
    assert 3 == results[0]["error"]["code"]
    parts = (
        genai.types.GenerateContentResponse.model_validate(results[1]["response"]).candidates[0].content.parts
    )
    assert parts[1].inline_data.data == fake.image(1)
    assert "JOB_STATE_CANCELLED" == client.batches.get(name=started[1].name).state.name
    assert ["cat", "cat"] == fake.ledger
    assert file.name not in fake.files


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"aspect_ratio": "16:9", "image_size": "2K", "seed": 7},
        {"width": 1024, "height": 1024, "thinking_level": "high", "safety": "BLOCK_NONE"},
    ],
)
async def test_a_line_for_gemini_is_what_its_sdk_sends(params):
    """Of the same request, so that a batch job makes what a single call would."""
    async with FakeGemini() as fake:
        provider = GeminiProvider(Outbound(allow_private=[fake.address]), clock=SystemClock())
        config = ProviderConfig(
            provider_name="gemini",
            kind="gemini",
            api_base=fake.url,
            api_key=Secret(KEY),
            source=ConfigSource.FILE,
        )
        model, request = provider.describe(config).models[0], request_for(Operation.GENERATE, **params)
        call = ProviderCall(call_id="call-1", request=request, model=model, config=config)
        await provider.submit(call, MemoryExchange())
        line = json.loads(await provider.batches.line("task-1", call))

    assert {"key": "task-1", "request": fake.requests[-1].body} == line
