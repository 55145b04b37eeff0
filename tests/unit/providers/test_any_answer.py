"""Whatever a provider answers is read, or is a `CallError`; what is made of it can be written as UTF-8."""

import io
import json
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_adapters.providers import a1111
from imagegen_adapters.providers.common.json_files import Answer, parse_json
from imagegen_adapters.providers.document.reading import load_preset, preset_names
from imagegen_adapters.providers.document.responses import classify, parse_response
from imagegen_adapters.providers.document.results import find_images
from imagegen_adapters.providers.gemini.responses import (
    ErrorResponse,
    call_error,
    read_content,
    read_predictions,
)
from imagegen_adapters.providers.stability import load_stability
from imagegen_core.errors import CallError
from imagegen_core.requests import ImageRequest, Operation

NOW = datetime(2026, 11, 25, tzinfo=UTC)
NAMES = st.sampled_from(
    (
        *(
            "data",
            "images",
            "image",
            "info",
            "error",
            "errors",
            "detail",
            "loc",
            "msg",
            "message",
            "name",
            "code",
        ),
        *(
            "candidates",
            "content",
            "parts",
            "inlineData",
            "mimeType",
            "finishReason",
            "predictions",
            "status",
        ),
        *(
            "all_seeds",
            "index_of_first_image",
            "seed",
            "url",
            "b64_json",
            "revised_prompt",
            "details",
            "@type",
        ),
        *("promptFeedback", "blockReason", "bytesBase64Encoded", "raiFilteredReason", "retryDelay", "usage"),
        *("output", "result", "violations", "quotaId", "choices", "created", "finish_reason", "request_id"),
    )
)
TEXTS = st.sampled_from(("\ud83d", "\x00", "http://[", "data:,", "aGk=", "", "SAFETY", "x.RetryInfo", "9s"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 700) | st.sampled_from((1e300, float("nan"))) | TEXTS,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=5),
    max_leaves=25,
)
STATUSES = st.sampled_from((200, 202, 302, 400, 403, 404, 408, 429, 500, 503, 599))


def check(error):
    """Check that the error's texts can be encoded."""
    texts = [str(error), error.failure.message, error.failure.upstream_code]
    json.dumps(texts, ensure_ascii=False).encode()


@given(JSON, STATUSES)
def test_any_error_answer_is_an_error_that_can_be_shown(tree, status):
    """Of A1111 and Google."""
    body = json.dumps(tree).encode()
    check(a1111.call_error(Answer(status=status, body=body), path="/"))
    error = tree if isinstance(tree, dict) else {"message": tree, "details": [tree], "status": tree}
    for answer in (body, json.dumps({"error": error}).encode()):
        check(call_error(ErrorResponse(status=status, body=answer), model=None, now=NOW))


@pytest.mark.parametrize("name", [*preset_names(), "stability"])
@given(tree=JSON, status=STATUSES)
def test_any_answer_to_a_document_is_read(name, tree, status):
    """By each shipped document: as an error, as a job's state, and as images."""
    document = load_stability() if name == "stability" else load_preset(name)
    body = json.dumps(tree).encode()
    response = parse_response(status, {"retry-after": "1"}, body, None)
    classification = classify(response, document.errors, NOW)
    check(classification.submit_error())
    check(classification.job_error())
    for operation in document.operations.values():
        images = find_images(response, operation.response, "http://v")
        json.dumps([attrs.asdict(image) for image in images], ensure_ascii=False).encode()


@given(JSON)
def test_any_answer_with_images_is_read(tree):
    """Of A1111 and Google: images, or a reason why there are none."""
    body = json.dumps(tree).encode()
    request = ImageRequest(operation=Operation.GENERATE, prompt="a")
    readers = (
        lambda: read_content(parse_json(body), io.BytesIO),
        lambda: read_predictions(parse_json(body), io.BytesIO),
        lambda: a1111.parse_result(io.BytesIO(body), lambda: io.BytesIO(body), request, interrupted=False),
    )
    for read in readers:
        try:
            result = read()
        except CallError as error:
            check(error)
        else:
            metadata = [dict(image.metadata) for image in getattr(result, "images", [result])]
            json.dumps(metadata, ensure_ascii=False).encode()


def test_one_bad_byte_costs_no_image():
    """A response with invalid UTF-8 has been paid for all the same."""
    assert {"said": "a\N{REPLACEMENT CHARACTER}", "data": "aGk="} == parse_json(
        b'{"said": "a\xff", "data": "aGk="}'
    )
