"""The contract of provider configurations, as tests to subclass.

A subclass provides the fixture ``configs``, an empty one::

    class TestMyConfigs(ProviderConfigsContract):
        @pytest.fixture
        def configs(self):
            return MyProviderConfigs()
"""

from typing import Any

import attrs
import pytest

from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import ProviderConfigNotFound, Unavailable
from imagegen_core.operations import Operation
from imagegen_core.ports.provider_configs import ProviderConfigs
from imagegen_core.secrets import Secret
from tests.contracts.samples import NOW, later

ORIGIN = "https://api.example.com:443"


def a_config(provider_name: str = "mine", **changes: Any) -> ProviderConfig:
    """Return a configuration with every field set."""
    fields: dict[str, Any] = {
        "provider_name": provider_name,
        "source": ConfigSource.DATABASE,
        "kind": "http",
        "display_name": "我的 provider",
        "api_base": "https://api.example.com/v1",
        "api_key": Secret("sk-0123456789abcdef"),
        "models": (
            ModelEntry(id="m1", name="M 1", default=True),
            ModelEntry(id="m2", capabilities=(Operation.GENERATE, Operation.EDIT)),
        ),
        "enabled": False,
        "timeout_seconds": 12.5,
        "max_retries": 0,
        "extra_config": {
            "headers": {"X-Team": "a", "X-Own-Token": "token-0123456789"},
            "proxy": "http://user:password@proxy.example.com:3128",
            "max_concurrency": 4,
        },
        "created_at": NOW,
        "updated_at": NOW,
    }
    return ProviderConfig(**{**fields, **changes})


class ProviderConfigsContract:
    """One configuration per name."""

    @pytest.fixture
    def configs(self) -> ProviderConfigs:
        """Return the empty store under test."""
        raise NotImplementedError

    async def test_a_configuration_comes_back_whole(self, configs: ProviderConfigs) -> None:
        """Every field survives, including the key and other secrets."""
        await configs.save(a_config(), key_origin=ORIGIN)

        stored = await configs.get("mine")

        assert a_config() == stored
        assert stored is not None
        assert stored.api_key is not None
        assert "sk-0123456789abcdef" == stored.api_key.reveal()

    async def test_a_key_without_an_address_comes_back(self, configs: ProviderConfigs) -> None:
        """An empty address is none; forms send one for a provider that needs none."""
        await configs.save(a_config(api_base=""), key_origin="")

        stored = await configs.get("mine")

        assert stored is not None
        assert stored.api_key is not None
        assert "sk-0123456789abcdef" == stored.api_key.reveal()

    async def test_unset_fields_stay_unset(self, configs: ProviderConfigs) -> None:
        """None is not turned into a default."""
        bare = ProviderConfig(provider_name="bare", source=ConfigSource.DATABASE)
        await configs.save(bare, key_origin=ORIGIN)

        assert bare == await configs.get("bare")

    async def test_an_unknown_name_has_none(self, configs: ProviderConfigs) -> None:
        """Reading returns None, deleting raises."""
        assert await configs.get("nobody") is None
        with pytest.raises(ProviderConfigNotFound):
            await configs.delete("nobody")

    async def test_saving_again_replaces(self, configs: ProviderConfigs) -> None:
        """The new configuration replaces the old one completely, except for its creation time."""
        await configs.save(a_config(), key_origin=ORIGIN)
        changed = a_config(
            api_key=None, enabled=True, models=None, created_at=later(9), updated_at=later(9), extra_config={}
        )

        await configs.save(changed, key_origin=ORIGIN)

        assert attrs.evolve(changed, created_at=NOW) == await configs.get("mine")

    async def test_all_are_sorted_by_name(self, configs: ProviderConfigs) -> None:
        """The list is sorted by name, without deleted configurations."""
        for name in ("b", "c", "a"):
            await configs.save(a_config(name), key_origin=ORIGIN)
        await configs.delete("c")

        assert ["a", "b"] == [config.provider_name for config in await configs.all()]

    async def test_the_default_is_kept_until_another_is_saved(self, configs: ProviderConfigs) -> None:
        """It needs no saved configuration, and outlives that which it names."""
        await configs.save(a_config("a"), key_origin=ORIGIN)
        defaults = [await configs.default()]
        for name in ("a", "on-file"):
            await configs.set_default(name)
            defaults.append(await configs.default())
        await configs.set_default("a")
        await configs.delete("a")
        defaults.append(await configs.default())
        await configs.set_default(None)
        defaults.append(await configs.default())

        assert [None, "a", "on-file", "a", None] == defaults

    async def test_a_locked_key_is_not_written_over(self, configs: ProviderConfigs) -> None:
        """A key that could not be decrypted cannot be saved, so the stored one stays."""
        await configs.save(a_config(), key_origin=ORIGIN)

        with pytest.raises(Unavailable):
            await configs.save(a_config(api_key=Secret("", locked=True)), key_origin=ORIGIN)
        assert a_config() == await configs.get("mine")
