"""Dry runs: a document is tried without saving, sending or looking up anything."""

import json

import pytest

from tests.integration.api.asking import CONFIG, ENGLISH, data, row

DRY_RUN = "/api/v1/providers/dry-run"
TEXT = """\
schema: 1
id: inkwell
base_url: http://10.0.0.1/v1  # private: it is not called
auth: {type: query, param: k}
headers: {X-Api-Key: sk-a-secret-of-the-document}
operations:
  draw:
    implements: [generate, edit]
    request:
      path: /draw
      query: {token: another-secret}
      body: {template: {text: "${prompt}", count: "${n}", image: "${image.data_uri}", mask: "${mask.base64}"}}
    task: {id: job}
    poll:
      request: {method: GET, path: "/jobs/${task.id}"}
      status: {source: state, succeeded: done, failed: [dead]}
      failure: {message: why}
    result: {method: GET, path: "/jobs/${task.id}/drawings"}
    response:
      images:
        - {select: "drawings[]", url: link, base64: data, item_error: {message: why}}
errors: {code: problem.code, message: problem.text, classify: [{codes: [unsafe], as: blocked}]}
models:
  - {id: ink-1, default: true, capabilities: [generate, edit], params: {steps: {type: integer, max: 50}}}
"""


@pytest.fixture
def run(api):
    """Return a function that makes a dry run of the document."""

    def run(spec=TEXT, **fields):
        return api.post(DRY_RUN, json={"extra_config": {"spec": spec}, **fields}, headers=ENGLISH)

    return run


def test_a_check_tells_the_models_and_each_mistake_with_its_line(run):
    """In the text that was sent, as plain text; saving it would tell the same."""
    good = data(run())
    bad = run(TEXT.replace("path: /draw", "<b>path</b>: /draw")).json()["data"]["errors"]

    assert (["ink-1"], []) == ([model["id"] for model in good["models"]], good["requests"])
    assert ("extra_config.spec.operations.draw.request.<b>path</b>", 10, 7) in [
        (each["field"], each["line"], each["column"]) for each in bad
    ]


def test_all_requests_of_a_call_are_shown_without_any_secret(api, run):
    """To an address that a task would be refused for; nothing is saved."""
    answer = run(operation="edit", prompt="<script>猫", params={"num": 1}, has_mask=True)
    submit, poll, result = data(answer)["requests"]

    assert ("POST", "http://10.0.0.1/v1/draw?token=****&k=****") == (submit["method"], submit["url"])
    assert {
        "text": "<script>猫",
        "count": 1,
        "image": "data:image/png;base64,<image-1.png, image/png, 1048576 bytes>",
        "mask": "<mask-1.png, image/png, 1048576 bytes>",
    } == json.loads(submit["body"])
    assert ["GET http://10.0.0.1/v1/jobs/1?k=****", "GET http://10.0.0.1/v1/jobs/1/drawings?k=****"] == [
        f"{each['method']} {each['url']}" for each in (poll, result)
    ]
    assert "secret" not in answer.text
    assert 404 == api.get(f"{CONFIG}/dry-run").status_code


@pytest.mark.parametrize(
    ("step", "status", "answer", "expected"),
    [
        ("submit", 200, {"job": "j7"}, {"state": "accepted"}),
        ("submit", 400, {"problem": {"code": "unsafe", "text": "no <b>"}}, {"state": "failed"}),
        ("submit", 200, "<html>", {"state": "failed"}),
        ("poll", 200, {"state": "busy"}, {"state": "pending"}),
        ("poll", 200, {"state": "done"}, {"state": "done"}),
        ("poll", 200, {"state": "dead", "why": "no ink"}, {"state": "failed"}),
        ("result", 200, {"drawings": []}, {"state": "failed"}),
        (
            "result",
            200,
            {"drawings": [{"link": "https://x.example/1.png"}, {"data": "aGk="}, {"why": "torn"}]},
            {"state": "done", "images": ["https://x.example/1.png", None]},
        ),
    ],
)
def test_a_sample_answer_is_read_as_a_real_one(run, step, status, answer, expected):
    """Of each request of a call; a job is not asked for, and no image is fetched."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    fields = {"operation": "generate", "prompt": "a cat", "answer": text}
    sample = data(run(answer_to=step, answer_status=status, **fields))["sample"]

    assert expected.items() <= sample.items()
    assert ("j7" if "job" in answer else None) == sample.get("job", {}).get("id")
    for word in ("no <b>", "no ink", "torn"):
        assert (word in text) == (word in " ".join(sample["failures"]))


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"params": {"steps": 51}}, "validation_failed"),
        ({"operation": "upscale"}, "unsupported_operation"),
        ({"model_id": "ink-2"}, "model_not_available"),
        ({"spec": TEXT.replace("base_url", "# base_url")}, "provider_not_configured"),
        ({"spec": TEXT.replace("path: /draw", "path: /draw/../x")}, "validation_failed"),
        ({"spec": TEXT.replace("/jobs/", "/${task.poll_url}/../")}, "validation_failed"),
        ({"spec": "x" * 300_000}, "validation_failed"),
        ({"spec": "x" * 1_100_000}, "body_too_large"),
    ],
)
def test_what_a_task_would_be_refused_for_is_refused(run, fields, refusal):
    """And what could not be built once it was accepted."""
    assert refusal == row(run(**{"operation": "generate", "prompt": "a cat", **fields}))[2]


def test_a_preset_comes_with_its_text(api):
    """To be copied and changed; the copy is a document of one's own, which keeps its comments."""
    text = data(api.post(DRY_RUN, json={"extra_config": {"preset": "siliconflow"}}))["document"]
    copied = f"# mine\n{text}"
    saved = api.post(
        CONFIG,
        json={
            "provider_name": "copied",
            "extra_config": {"spec": copied},
            "api_base": "https://nowhere.invalid",
        },
    )

    assert copied == data(saved)["extra_config"]["spec"]
    assert "http" == data(saved)["kind"]
    api.delete(f"{CONFIG}/copied")
