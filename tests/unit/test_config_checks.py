"""One set of rules for a provider's configuration, whichever way it comes in."""

import math

import attrs
import pytest

from imagegen_adapters.memory import in_memory, memory_adapters
from imagegen_core import ImageGen, Submission
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.secrets import Secret
from imagegen_http.api.providers import ProviderConfigBody
from imagegen_http.settings.loader import load_settings
from imagegen_http.settings.schema import SettingsError
from imagegen_http.shapes import problems_of

WRONG = [
    ("display_name", "d" * 201, "display_name"),
    ("display_name", "a\0b", "display_name"),
    ("kind", "k" * 65, "kind"),
    ("api_base", "ftp://a.example", "api_base"),
    ("api_base", "https://a.example?x", "api_base"),
    ("timeout_seconds", -1, "timeout_seconds"),
    ("timeout_seconds", 0, "timeout_seconds"),
    ("timeout_seconds", 3601, "timeout_seconds"),
    ("timeout_seconds", math.nan, "timeout_seconds"),
    ("max_retries", -1, "max_retries"),
    ("max_retries", 11, "max_retries"),
    ("models", ("",), "models.0.id"),
    ("models", ("m" * 201,), "models.0.id"),
    ("models", ("m", "n", "m"), "models.2.id"),
    ("models", tuple(map(str, range(201))), "models"),
    ("extra_config", {"headers": {"Host": "b"}}, "extra_config.headers"),
    ("extra_config", {"headers": {"X-Team": "ä"}}, "extra_config.headers"),
    ("extra_config", {"headers": "X-Team: a"}, "extra_config.headers"),
    ("extra_config", {"proxy": "socks5://p:1"}, "extra_config.proxy"),
    ("extra_config", {"max_concurrency": 0}, "extra_config.max_concurrency"),
    ("extra_config", {"on_unknown": "hope"}, "extra_config.on_unknown"),
]
EACH = pytest.mark.parametrize(("name", "value", "field"), WRONG)


def meant(name, value):
    """Return the value as the library takes it."""
    return tuple(ModelEntry(id=each) for each in value) if name == "models" else value


def refused_fields(refusal):
    return [problem.field for problem in refusal.value.problems]


@EACH
def test_a_program_cannot_make_a_wrong_one(name, value, field):
    """Nor change one into it."""
    config = ProviderConfig(provider_name="p", source=ConfigSource.FILE)
    with pytest.raises(ValidationFailed) as creation:
        ProviderConfig(provider_name="p", source=ConfigSource.FILE, **{name: meant(name, value)})
    with pytest.raises(ValidationFailed) as change:
        attrs.evolve(config, **{name: meant(name, value)})

    assert [[field]] * 2 == [refused_fields(creation), refused_fields(change)]


@pytest.mark.parametrize("count", [-1, 11, 10**30, True, "3", 1.5])
def test_a_mistake_has_one_code(count):
    """Whether the body of a request is checked or a configuration that a program makes."""
    problems = problems_of({"provider_name": "p", "max_retries": count}, ProviderConfigBody)
    with pytest.raises(ValidationFailed) as refused:
        ProviderConfig(provider_name="p", source=ConfigSource.FILE, max_retries=count)

    assert tuple(problems) == refused.value.problems


@EACH
async def test_a_wrong_one_cannot_be_saved(name, value, field):
    """Neither as a new row nor over one that is there."""
    imagegen = in_memory()
    await imagegen.providers.save(provider_name="old", changes={"kind": "demo"})
    changes = {"kind": "demo", name: meant(name, value)}
    with pytest.raises(ValidationFailed) as created:
        await imagegen.providers.save(provider_name="new", changes=changes)
    with pytest.raises(ValidationFailed) as change:
        await imagegen.providers.save(provider_name="old", changes=changes)

    assert [[field]] * 2 == [refused_fields(created), refused_fields(change)]


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [row for row in WRONG if row[0] != "kind" and "\0" not in str(row[1]) and str(row[1]) != "nan"],
)
async def test_a_row_that_is_wrong_is_shown_and_not_used(name, value, field):
    """However it came into the database, which holds no NUL, and NULL for NaN; other providers go on."""
    row = ProviderConfig(
        provider_name="odd",
        source=ConfigSource.DATABASE,
        **{"kind": "demo", name: meant(name, value)},
        is_unchecked=True,
    )
    imagegen = in_memory()
    await imagegen.parts.configs.save(row, key_origin="")

    with pytest.raises(ValidationFailed) as refused:
        await imagegen.tasks.submit(Submission(prompt="a cat", provider_name="odd"))
    listed = [resolved.config.provider_name for resolved in await imagegen.providers.configured()]
    usable = [resolved.config.provider_name for resolved in await imagegen.providers.usable()]

    assert ([field], ["demo", "odd"], ["demo"]) == (refused_fields(refused), listed, usable)


@EACH
def test_a_wrong_one_stops_the_start(name, value, field, tmp_path):
    """By the key of the file."""
    import yaml

    models = [{"id": each} for each in value] if name == "models" else None
    fields = {name: models or value}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"providers": {"own": fields}}))

    with pytest.raises(SettingsError, match=rf"^providers\.own\.{field}: "):
        load_settings(config=None, environ={}, cwd=tmp_path)


@pytest.mark.parametrize("name", ["", "A", "a b", "ä", "a" * 65])
def test_a_name_is_of_few_characters(name):
    """It stands in addresses, in files and in names of variables."""
    with pytest.raises(ValidationFailed) as refused:
        ProviderConfig(provider_name=name, source=ConfigSource.FILE)

    assert ["provider_name"] == refused_fields(refused)


@pytest.mark.parametrize("key", ["", "two\nlines", "schlüssel", "k" * 8193])
def test_a_key_is_what_a_header_carries(key):
    """A key that is locked is not looked at."""
    with pytest.raises(ValidationFailed) as refused:
        ProviderConfig(provider_name="p", source=ConfigSource.FILE, api_key=Secret(key))
    locked = ProviderConfig(provider_name="p", source=ConfigSource.FILE, api_key=Secret(key, locked=True))

    assert (["api_key"], True) == (refused_fields(refused), locked.api_key.locked)


def test_two_models_cannot_both_be_the_default():
    """Nobody could say which one is meant."""
    models = (ModelEntry(id="a", default=True), ModelEntry(id="b", default=True))

    with pytest.raises(ValidationFailed) as refused:
        ProviderConfig(provider_name="p", source=ConfigSource.FILE, models=models)

    assert ["models.1.default"] == refused_fields(refused)


def test_an_address_loses_its_final_slash():
    """Paths are joined to it."""
    config = ProviderConfig(provider_name="p", source=ConfigSource.FILE, api_base=" https://a.example/v1/ ")

    assert "https://a.example/v1" == config.api_base


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "painting"}, "kind"),
        ({"kind": "demo", "extra_config": {"preset": "x"}}, "extra_config.preset"),
        ({"extra_config": {"maxconcurrency": 1}}, "extra_config.maxconcurrency"),
    ],
)
def test_what_adapters_know_is_checked_of_the_operators_layer(fields, field):
    """As soon as a program hands it over."""
    config = ProviderConfig(provider_name="p", source=ConfigSource.FILE, **fields)

    with pytest.raises(ValidationFailed) as refused:
        ImageGen(memory_adapters(), file_configs={"p": config})

    assert [field] == refused_fields(refused)
