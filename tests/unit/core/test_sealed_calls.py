"""The configuration of a call, as it is stored."""

import json

import attrs
import pytest

from imagegen_adapters.secrets import MemorySecretBox
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import Unavailable
from imagegen_core.models import Model
from imagegen_core.requests import Operation
from imagegen_core.running.calls import open_call, seal_call
from imagegen_core.secrets import Secret

MODEL = Model(id="m1", remote_id="vendor/m1")
CONFIG = ProviderConfig(
    provider_name="own",
    source=ConfigSource.DATABASE,
    kind="http",
    api_base="https://api.example.com/v1",
    api_key=Secret("sk-canary-0123456789"),
    models=(
        ModelEntry(id="m1", name="One", default=True),
        ModelEntry(id="m2", capabilities=(Operation.EDIT, Operation.GENERATE)),
    ),
    timeout_seconds=20.5,
    max_retries=0,
    extra_config={"spec": {"schema": 1, "body": ["\ud83d", 2.5, None]}, "headers": {"X-Auth": "secret"}},
    is_unchecked=True,  # no database takes such text any more
)


def test_everything_that_a_call_needs_comes_back():
    """Key, headers, document, models and numbers, and the upstream id of the model."""
    box = MemorySecretBox()

    config, remote_id = open_call(seal_call(CONFIG, MODEL, box, "a1"), box, "a1")

    assert (CONFIG, "sk-canary-0123456789", "vendor/m1") == (
        config,
        config.api_key.reveal(),
        remote_id,
    )
    assert config.is_sent


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"api_key": None},
        {"extra_config": {}},
        {"api_key": None, "extra_config": {"proxy": "http://user:secret@127.0.0.1:1"}},
    ],
)
def test_secrets_are_sealed_with_all_the_rest(changes):
    """It is encrypted, opens for its own attempt only, and is not stored while the box is locked."""
    config, box = attrs.evolve(CONFIG, **changes), MemorySecretBox()

    sealed_config = seal_call(config, MODEL, box, "a1")

    assert (True, False) == (sealed_config.sealed, "example.com" in sealed_config.text)
    with pytest.raises(Unavailable):
        open_call(sealed_config, box, "a2")
    assert seal_call(config, MODEL, MemorySecretBox(locked=True), "a1") is None


def test_what_calls_with_credentials_of_this_machine_is_sealed_too():
    """The credentials are not in the configuration, but go to its address."""
    config, box = attrs.evolve(CONFIG, api_key=None, extra_config={"backend": "vertex"}), MemorySecretBox()

    sealed_config = seal_call(config, MODEL, box, "a1", ambient=True)

    assert (True, config) == (sealed_config.sealed, open_call(sealed_config, box, "a1")[0])


def test_what_holds_no_secret_needs_no_master_key():
    """Calls of providers without a key can be finished while the box is locked."""
    config = attrs.evolve(CONFIG, api_key=None, extra_config={"headers": {"X-Team": "blue"}})
    locked = MemorySecretBox(locked=True)

    sealed_config = seal_call(config, MODEL, locked, "a1")

    assert (False, config) == (sealed_config.sealed, open_call(sealed_config, locked, "a1")[0])
    assert "https://api.example.com/v1" == json.loads(sealed_config.text)["api_base"]
