"""The parts of the declarative provider, each by itself."""

import gc
import re
from datetime import UTC, datetime
from typing import get_args

import attrs
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from imagegen_adapters.providers.common.images import InputPart
from imagegen_adapters.providers.document.credentials import SIGNERS, VOLCENGINE, KeyPair
from imagegen_adapters.providers.document.expressions import Budget, Expression, UpstreamResponse
from imagegen_adapters.providers.document.models import UpstreamSize, size_for_upstream
from imagegen_adapters.providers.document.operations import ErrorClass, ErrorSpec
from imagegen_adapters.providers.document.reading import load_preset, parse_document, parts_of, preset_names
from imagegen_adapters.providers.document.responses import CODES, classify
from imagegen_adapters.providers.document.schema import SizeSpec
from imagegen_adapters.providers.document.templates import Template
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.requests import InputImage
from imagegen_core.secrets import Secret

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def part(index: int) -> InputPart:
    image = InputImage(key=f"k{index}", mime_type="image/png", width=1, height=1, size_bytes=3, sha256="")
    return InputPart(image=image, index=index)


SCOPE = {
    "prompt": 'say "hi" \\ ${prompt}\n',
    "n": 2,
    "seed": None,
    "width": 512,
    "params": {"hd": True},
    "refs": [part(0), part(1)],
    "images": [],
    "mask": None,
}


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("${n}", 2),
        ("${params.hd}", True),
        ("n=${n}, ${params.hd}", "n=2, true"),
        ("seed ${seed}", None),
        ("${prompt}", SCOPE["prompt"]),
        ({"a": "${seed}", "b": 0}, {"b": 0}),
        ({"a": {"b": "${seed}"}}, None),
        ({"a": {}}, {"a": {}}),
        (["${seed}", 1], [1]),
        ({"$each": "refs", "$item": "${item.suffix}"}, ["", "_2"]),
        ({"$each": "images", "$item": 1}, []),
        ({"$each": "images", "$item": 1, "$omit_empty": True}, None),
        ({"$concat": [[1], "${seed}", 2, {"$each": "refs", "$item": "${item.index}"}]}, [1, 2, 0, 1]),
        ({"$if": "refs", "$then": 1, "$else": 2}, 1),
        ({"$if": "${mask}", "$then": 1, "$else": 2}, 2),
        ({"$default": ["${seed}", 7]}, 7),
        ({"$map": "${params.hd}", "$to": {"true": 1, "false": 0}}, 1),
        ({"$map": "${n}", "$to": {"9": "nine"}}, 2),
        (
            {"a": 1, "$spread": {"$each": "refs", "$key": "i${item.suffix}", "$value": "${item.index}"}},
            {"a": 1, "i": 0, "i_2": 1},
        ),
        ({"$file_of": "mask"}, None),
        ("${refs[9].mime}", None),
    ],
)
def test_templates(template, rendered):
    """A template keeps types, omits nulls and never evaluates inserted values."""
    assert rendered == Template.parse(template).render(SCOPE, Budget())


def test_one_item_may_be_a_scalar():
    """A provider that expects a single image without a list gets one."""
    template = Template.parse({"$each": "refs", "$item": "${item.mime}", "$single_as_scalar": True})

    assert "image/png" == template.render({**SCOPE, "refs": [part(0)]}, Budget())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("data[0].url", "u"),
        ("data[?b64].b64 | [0]", None),
        ("length(nothing)", None),
        ("join(',', data)", None),
        ("header:X-Id", "id-1"),
        ("error.code || header:x-id", "id-1"),
        ("$.data[0].url", "u"),
        ("status != `0`", True),
    ],
)
def test_expressions(text, value):
    """Expressions read body and headers; a wrong type in the response gives None."""
    response = UpstreamResponse(status=200, headers={"x-id": "id-1"}, tree={"data": [{"url": "u"}]})

    assert value == response.find(Expression.parse(text), optional=False)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("contains(text, n)", {"text": "x", "n": 5}),
        ("floor(to_number('inf'))", {}),
        ("ceil(to_number('nan'))", {}),
        ("to_string(sum(n))", {"n": [10**4299] * 11}),
        ("avg(n)", {"n": [10**4000, 1]}),
        ("@", 10**4000),
        ("[].contains(@, `1`)", ["a"]),
    ],
)
def test_what_python_cannot_evaluate_is_an_error_of_the_expression(text, tree):
    """It names the expression, and nothing of the response; what is optional is skipped instead."""
    response, expression = UpstreamResponse(status=200, headers={}, tree=tree), Expression.parse(text)
    with pytest.raises(CallError, match="cannot read this response") as caught:
        response.text_at(expression, optional=False)
    skipped = response.text_at(expression)

    assert (FailureCode.BAD_RESPONSE, True) == (
        caught.value.failure.code,
        caught.value.failure.possible_charge,
    )
    assert repr(text) in caught.value.failure.message
    assert (None, [text]) == (skipped, list(response.skipped))


ODD_VALUES = (
    "x",
    "",
    5,
    0,
    -1.5,
    float("nan"),
    float("inf"),
    10**300,
    True,
    [],
    [5, "x", None],
    {},
    {"a": 1},
)


@pytest.mark.parametrize("name", preset_names())
def test_the_expressions_of_presets_read_answers_of_any_shape(name):
    """Whatever stands where they look, and beside it."""
    parts = parts_of(load_preset(name))
    for path, expression in ((path, part) for path, part in parts if isinstance(part, Expression)):
        names = re.findall(r"[A-Za-z_]\w*", expression.text)
        for odd in ODD_VALUES:
            inner = {**dict.fromkeys(names, odd), "x": odd}
            for tree in (
                odd,
                inner,
                [inner, odd],
                dict.fromkeys(names, inner),
                {key: [inner] for key in names},
            ):
                response = UpstreamResponse(status=200, headers={}, tree=tree)
                response.text_at(expression)

                assert [] == list(response.skipped), (path, tree)


def test_a_search_leaves_no_cycles():
    """All that it takes is freed when it ends, so the garbage collector has nothing to find."""
    expression = Expression.parse("data[?b64].b64 | [0]")
    response = UpstreamResponse(status=200, headers={}, tree={"data": [{"url": "u"}]})
    gc.collect()
    response.find(expression)

    assert 0 == gc.collect()


@pytest.mark.parametrize(
    ("spec", "params", "spelled"),
    [
        ({}, {"width": 512, "height": 768}, {"size": "512x768", "width": 512, "height": 768}),
        ({"separator": "*"}, {"size": "512x768"}, {"size": "512*768", "width": 512, "height": 768}),
        (
            {"multiple_of": 16},
            {"size": "1000x1000"},
            {
                "size": "1008x1008",
                "width": 1008,
                "height": 1008,
                "note": "size 1000x1000 was sent as 1008x1008",
            },
        ),
        ({}, {"aspect_ratio": "16:9"}, {"size": "1368x768", "width": 1368, "height": 768}),
        ({"extra": ["auto", "2K"]}, {"image_size": "2k"}, {"size": "2K"}),
        ({}, {}, {}),
        ({"default": "1024x1024"}, {}, {"size": "1024x1024", "width": 1024, "height": 1024}),
        (
            {"kind": "aspect_ratio", "values": ["1:1", "16:9"]},
            {"width": 1920, "height": 1080},
            {"size": "16:9", "aspect_ratio": "16:9"},
        ),
        (
            {"kind": "aspect_ratio", "values": ["1:1", "16:9"]},
            {"aspect_ratio": "2:1"},
            {
                "size": "16:9",
                "aspect_ratio": "16:9",
                "note": "size 2:1 was sent as 16:9, the nearest that this model has",
            },
        ),
        (
            {"kind": "enum", "values": ["1328*1328", "1664*928"], "separator": "*"},
            {"size": "1024x1024"},
            {
                "size": "1328*1328",
                "width": 1328,
                "height": 1328,
                "note": "size 1024x1024 was sent as 1328*1328, the nearest that this model has",
            },
        ),
        (
            {"kind": "tier", "values": ["1K", "2K"]},
            {"width": 2000, "height": 2000},
            {"size": "2K", "note": "size 2000x2000 was sent as 2K"},
        ),
        (
            {"kind": "tier", "values": ["1k", "2k"], "ratios": ["auto", "1:1", "16:9"]},
            {"width": 1920, "height": 1080},
            {
                "size": "1k",
                "aspect_ratio": "16:9",
                "note": "size 1920x1080 was sent as 1k 16:9",
            },
        ),
        (
            {"kind": "tier", "values": ["1k", "2k"], "ratios": ["1:1", "16:9"]},
            {"size": "1920x1080", "aspect_ratio": "1:1"},
            {"size": "1k", "aspect_ratio": "1:1", "note": "size 1920x1080 was sent as 1k 1:1"},
        ),
        ({"kind": "fixed"}, {"width": 5, "height": 5}, {}),
    ],
)
def test_sizes(spec, params, spelled):
    """The nearest size that the model has, in the model's form, with a note if it differs."""
    document = {
        "schema": 1,
        "id": "x",
        "operations": {"generate": {"request": {"path": "/x"}, "response": {"raw": {}}}},
        "models": [{"id": "m", "size": spec}],
    }
    size = parse_document(document, "spec").models[0].size

    actual = size_for_upstream(params, size)
    note = None if actual.note is None else str(actual.note)
    assert UpstreamSize(**spelled) == attrs.evolve(actual, note=note)


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({"size": "huge"}, ["params.size"]),
        ({"size": "huge", "aspect_ratio": "1:1", "image_size": "9K"}, ["params.size", "params.image_size"]),
        ({"width": 5000, "height": 10}, ["params.width", "params.height"]),
        ({"width": 512}, ["params.height"]),
        ({"image_size": "9K"}, ["params.image_size"]),
    ],
)
def test_an_impossible_size_is_refused_by_name(params, fields):
    """A size with no near match is refused before anything is queued."""
    with pytest.raises(ValidationFailed) as caught:
        size_for_upstream(params, SizeSpec(max=2048))

    assert fields == [problem.field for problem in caught.value.problems]


def errors(**fields) -> ErrorSpec:
    document = {
        "schema": 1,
        "id": "x",
        "operations": {"generate": {"request": {"path": "/x"}, "response": {"raw": {}}}},
        "errors": fields,
    }
    return parse_document(document, "spec").errors


@pytest.mark.parametrize(
    ("status", "code", "not_started"),
    [
        (400, FailureCode.REJECTED, False),
        (401, FailureCode.AUTH_FAILED, False),
        (402, FailureCode.QUOTA_EXHAUSTED, False),
        (403, FailureCode.AUTH_FAILED, False),
        (404, FailureCode.REJECTED, False),
        (408, FailureCode.OUTCOME_UNKNOWN, False),
        (409, FailureCode.REJECTED, False),
        (425, FailureCode.OUTCOME_UNKNOWN, False),
        (429, FailureCode.RATE_LIMITED, True),
        (500, FailureCode.OUTCOME_UNKNOWN, False),
        (503, FailureCode.OUTCOME_UNKNOWN, False),
    ],
)
def test_statuses_without_a_rule(status, code, not_started):
    """Without a rule in the document, only a 429 proves that nothing was started."""
    response = UpstreamResponse(status=status, headers={})

    error = classify(response, errors(), NOW).submit_error()

    assert (code, not_started) == (error.failure.code, error.not_started)


def test_a_document_may_say_that_nothing_was_admitted():
    """A 503 that the provider's table calls "not admitted" may be sent again."""
    response = UpstreamResponse(status=503, headers={})
    spec = errors(classify=[{"status": 503, "as": "not_admitted", "cooldown_s": 5}])

    error = classify(response, spec, NOW).submit_error()

    assert (FailureCode.UNAVAILABLE, True, 5.0) == (error.failure.code, error.not_started, error.retry_after)


def test_a_failed_job_that_says_nothing_is_not_explained_by_the_rest_of_its_answer():
    """An empty message at the job's own place is one; the document's are tried only where there is none."""
    response = UpstreamResponse(status=200, headers={}, tree={"code": "busy", "message": "all is well"})
    spec = errors(code="code", message="message", classify=[{"codes": ["busy"], "as": "auth"}])

    silent, without = classify(response, spec, NOW, None, ""), classify(response, spec, NOW)

    assert (None, "", False) == (silent.code, silent.message, silent.matched)
    assert ("busy", "all is well", True) == (without.code, without.message, without.matched)


def test_waiting_may_be_asked_for_in_words():
    """A number in the provider's message counts like a header."""
    spec = errors(retry_after=["header:retry-after", {"jmespath": "detail", "regex": "~?(\\d+)s"}])
    response = UpstreamResponse(
        status=429, headers={}, tree={"detail": "throttled. Your rate limit resets in ~30s."}
    )

    assert 30.0 == classify(response, spec, NOW).retry_after


def test_every_class_has_a_code():
    """The table is complete."""
    assert set(get_args(ErrorClass)) == set(CODES)


def test_messages_hold_no_query_and_no_key():
    """A provider's message is shortened, and loses possible secrets."""
    response = UpstreamResponse(
        status=400,
        headers={},
        text="bad key sk-1 at https://x.example/a?sig=1 " + "x" * 900,
        secret=Secret("sk-1"),
    )

    error = classify(response, errors(), NOW).submit_error()

    assert str(error).startswith("bad key **** at https://x.example/a x")
    assert 500 == len(str(error))


def test_tencents_signature_is_the_published_one():
    """It reproduces the example of Tencent's documentation."""
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    headers = {"content-type": "application/json; charset=utf-8"}
    request = httpx.Request("POST", "https://cvm.tencentcloudapi.com/", headers=headers, content=body)
    secret = "example-id:Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"

    signed = SIGNERS["tencent_tc3"].headers(
        request, secret, {"service": "cvm"}, datetime.fromtimestamp(1551113065, UTC)
    )

    assert {
        "X-TC-Timestamp": "1551113065",
        "Authorization": (
            "TC3-HMAC-SHA256 Credential=example-id/2019-02-25/cvm/tc3_request, "
            "SignedHeaders=content-type;host, "
            "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
        ),
    } == signed


AWS_KEY = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AWS_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8"
    "YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6f"
    "E8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj"
    "2ICCR/oLxBA=="
)
FORM = {"content-type": "application/x-www-form-urlencoded"}


def signed(signer, key, service, url, now, method="GET", headers=None, body=b""):
    """Return the headers of a signature of version 4, and the names of what is signed."""
    request = httpx.Request(method, url, headers=headers, content=body)
    return SIGNERS[signer].headers(request, key, service, now)


@pytest.mark.parametrize(
    ("key", "method", "path", "headers", "body", "signature"),
    [
        (AWS_KEY, "GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (AWS_KEY, "POST", "/", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            *(AWS_KEY, "GET", "/?Param2=value2&Param1=value1", {}, b""),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            *(AWS_KEY, "POST", "/", FORM, b"Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            *(f"{AWS_KEY}:{AWS_TOKEN}", "POST", "/", {}, b""),
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ),
    ],
)
def test_awss_signatures_are_the_published_ones(key, method, path, headers, body, signature):
    """Those of its test suite that sign what this service signs."""
    added = signed(
        *("aws_sigv4", key, {"region": "us-east-1", "service": "service"}),
        *(f"https://example.amazonaws.com{path}", datetime(2015, 8, 30, 12, 36, tzinfo=UTC)),
        *(method, headers, body),
    )

    assert added["Authorization"].endswith(f"Signature={signature}")
    assert "20150830T123600Z" == added["x-amz-date"]


PATHS = (
    "/model/stability.stable-image-core-v1:1/invoke",
    "/a%3Ab//c%20d/",
    "/%E4%B8%AD?x=a%20b&y=&x=%2B%2F~",
)


@pytest.mark.parametrize("path", PATHS)
def test_awss_signature_is_that_of_its_own_library(path):
    """In paths and queries that need encoding, with its headers of a document signed."""
    url, now = f"https://bedrock-runtime.us-west-2.amazonaws.com{path}", datetime(2026, 11, 29, tzinfo=UTC)
    headers = {"content-type": "application/json", "x-amz-guardrail": " a  b ", "x-team": "blue"}
    added = signed(
        *("aws_sigv4", f"{AWS_KEY}:token", {"region": "us-west-2", "service": "bedrock"}, url, now),
        *("POST", headers, b"{}"),
    )
    names = re.search("SignedHeaders=([^,]*)", added["Authorization"])[1].split(";")
    whole = {**headers, "host": "bedrock-runtime.us-west-2.amazonaws.com", **added}
    request = AWSRequest("POST", url, {n: whole[n] for n in names if n != "host"}, b"{}")
    request.context["timestamp"] = added["x-amz-date"]
    key_id, _, secret = AWS_KEY.partition(":")
    library = SigV4Auth(Credentials(key_id, secret, "token"), "bedrock", "us-west-2")
    text = library.string_to_sign(request, library.canonical_request(request))

    assert ["content-type", "host", "x-amz-date", "x-amz-guardrail", "x-amz-security-token"] == names
    assert added["Authorization"].endswith(f"Signature={library.signature(text, request)}")


def test_volcengines_signature_is_the_published_one():
    """The example of its documentation signs no digest of the body; this service does."""
    key = (
        "AKLTYWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg:"
        "WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUxTXpZeU9UVXlOMlE1TmpZeVlqTQ=="
    )
    key_id, _, secret = key.partition(":")
    url = "https://iam.volcengineapi.com/?Action=ListUsers&Version=2018-01-01&Limit=10&Offset=0"
    now, options = datetime(2024, 6, 19, 7, 13, 6, tzinfo=UTC), {"region": "cn-beijing", "service": "iam"}
    request = httpx.Request("GET", url)
    without_digest = attrs.evolve(VOLCENGINE, digest_header=None)

    added = signed("volcengine", key, options, url, now)
    published = without_digest.sign(request, KeyPair(id=key_id, secret=secret), options, now)
    assert {
        "x-date": "20240619T071306Z",
        "Authorization": (
            f"HMAC-SHA256 Credential={key_id}/20240619/cn-beijing/iam/request, SignedHeaders=host;x-date, "
            "Signature=e31c4558bcfe08a286001f59cedbf0791ffd0b2362f10e55ee2627467bcdde93"
        ),
    } == published
    assert "SignedHeaders=host;x-content-sha256;x-date," in added["Authorization"]


@pytest.mark.parametrize("key", ["id", "id:", ":secret", "id:secret:"])
def test_a_temporary_key_has_three_parts(key):
    """Of which none may be empty."""
    options = {"region": "r", "service": "s"}

    with pytest.raises(CallError, match="AccessKeyId:SecretAccessKey") as caught:
        signed("aws_sigv4", key, options, "https://x.example/", NOW)
    assert "secret:" not in str(caught.value)


@pytest.mark.parametrize("key", ["justonething", ":justonething", "justonething:"])
def test_a_key_of_the_wrong_form_is_not_repeated(key):
    """The signer says what it needs without repeating the key."""
    request = httpx.Request("POST", "https://x.example/", headers={"content-type": "a"})

    with pytest.raises(CallError, match="SecretId:SecretKey") as caught:
        SIGNERS["tencent_tc3"].headers(request, key, {}, NOW)

    assert "justonething" not in str(caught.value)
