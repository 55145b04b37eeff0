"""The base of adapters whose calls end with their answer."""

import pytest

from imagegen_adapters.providers.common.calls import OneShot
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.models import Model
from imagegen_core.requests import ImageRequest, Operation

CONFIG = ProviderConfig(provider_name="ink", source=ConfigSource.FILE, kind="ink")


def test_each_image_takes_a_call():
    """Most one-shot APIs make one image a request."""
    request = ImageRequest(operation=Operation.GENERATE, prompt="cat", params={"num": 3})

    assert [1, 1, 1] == [part.num for part in OneShot().split(request, Model(id="m"), CONFIG)]


async def test_nothing_is_tried_without_a_free_call():
    """The probe says so, instead of paying for an image."""
    probe = await OneShot().probe(CONFIG)

    assert (True, False) == (probe.ok, probe.verified)


async def test_there_is_no_job_to_be_polled():
    """A job of an earlier version cannot be found again."""
    with pytest.raises(CallError) as caught:
        await OneShot().poll(None, None, None)

    assert FailureCode.RESULT_EXPIRED is caught.value.failure.code
