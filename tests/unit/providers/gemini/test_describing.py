"""The profile of a configuration of kind gemini."""

import json
from datetime import UTC, datetime

import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.gemini.provider import GeminiProvider
from imagegen_adapters.providers.gemini.responses import ErrorResponse, retry_delay
from imagegen_adapters.system import SystemClock
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.models import LifecycleStatus, check_request
from imagegen_core.requests import ImageRequest, Operation
from tests.contracts.clock import ManualClock
from tests.fakes.samples import sample

FIVE = ("generate", "reference", "edit", "upscale", "recontext")


def describe(models=None, **extra):
    config = ProviderConfig(
        provider_name="gemini", source=ConfigSource.FILE, kind="gemini", models=models, extra_config=extra
    )
    return GeminiProvider(Outbound(), clock=ManualClock()).describe(config)


def only(model_id, capabilities=None, **extra):
    return describe((ModelEntry(id=model_id, capabilities=capabilities),), **extra).models[0]


def test_without_models_there_are_some_that_live():
    """The first is the default."""
    models = describe().models

    assert "gemini-nano-banana-2.1" == next(m.id for m in models if m.default)
    today = SystemClock().now().date()
    assert [] == [m.id for m in models if m.lifecycle.status_on(today) is LifecycleStatus.RETIRED]


def test_a_key_is_needed_unless_google_s_credentials_open_the_door():
    """An express key counts as a key."""
    vertex = describe(backend="vertex", project="p", location="europe-west4")

    assert (True, True, False) == (
        describe().needs_api_key,
        describe(backend="vertex").needs_api_key,
        vertex.needs_api_key,
    )
    assert "https://europe-west4-aiplatform.googleapis.com" == vertex.default_api_base


@pytest.mark.parametrize(
    ("location", "base"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
    ],
)
def test_locations_have_their_own_addresses(location, base):
    """As in Google's table of endpoints."""
    assert base == describe(backend="vertex", project="p", location=location).default_api_base


def test_an_unknown_model_can_do_what_its_family_can():
    """A new model works before the catalogue knows it."""
    assert FIVE == only("gemini-9-image").operations
    assert ("generate", "edit", "upscale", "recontext", "segment") == only(
        "imagen-9", backend="vertex"
    ).operations


def test_imagen_can_do_nothing_with_a_developer_key():
    """The SDK refuses these methods outside Vertex, and the models are gone."""
    model = only("imagen-4.0-generate-001")

    assert () == model.operations
    assert "use gemini-nano-banana-2.1 instead" in str(model.warning_on(None))


def test_capabilities_choose_among_what_is_possible():
    """A configuration cannot give a model an operation that it does not have."""
    model = only("gemini-3-pro-image", (Operation.GENERATE, Operation.SEGMENT))

    assert (Operation.GENERATE,) == model.operations


def test_a_model_of_one_size_cannot_upscale():
    """There is no larger tier."""
    assert Operation.UPSCALE not in only("gemini-3.1-flash-lite-image").operations


@pytest.mark.parametrize(
    "params",
    [{"steps": 30}, {"negative_prompt": "x"}, {"image_size": "8K"}, {"aspect_ratio": "7:5"}, {"seed": 2**31}],
)
def test_what_the_api_does_not_take_is_refused(params):
    """The field is named, before anything is queued."""
    request = ImageRequest(operation=Operation.GENERATE, prompt="x", params=params)

    with pytest.raises(ValidationFailed, match=f"params.{next(iter(params))}"):
        check_request(request, only("gemini-3-pro-image"))


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"backend": "palm"}, "backend"),
        ({"project": "p", "location": "l"}, "project"),
        ({"backend": "vertex", "project": "p"}, "location"),
        ({"backend": "vertex", "location": "l"}, "project"),
        ({"backend": "vertex", "project": "p", "location": "evil.example/"}, "location"),
        ({"backend": "vertex", "credentials_file": "/x"}, "project"),
        ({"api_version": "../v1"}, "api_version"),
        ({"max_inline_mb": 0}, "max_inline_mb"),
        ({"headers": {"a": 1}}, "headers"),
    ],
)
def test_a_wrong_extra_config_is_named(extra, field):
    """The error contains the path inside it."""
    with pytest.raises(ValidationFailed, match=rf"extra_config\.{field}"):
        describe(**extra)


@pytest.mark.parametrize(
    ("header", "delay", "expected"),
    [(None, None, None), ("5", "34s", 34.0), ("60", "34s", 60.0), ("soon", "1.5s", 1.5), (None, "x", None)],
)
def test_the_longer_wait_counts(header, delay, expected):
    """A header and a RetryInfo may both be present; the longer one counts."""
    info = sample("gemini", "retry_info", delay=delay).body
    body = json.dumps({"error": {"details": [info]}}).encode()
    headers = {} if header is None else {"retry-after": header}
    response = ErrorResponse(status=429, headers=headers, body=body)

    assert expected == retry_delay(response, now=datetime(2026, 11, 24, tzinfo=UTC))
