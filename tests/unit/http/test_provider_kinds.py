"""The kinds that the service is composed of, and the names that they go by."""

import datetime as dt

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers import compose_providers
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import ProviderNotConfigured, ValidationFailed
from imagegen_core.messages import Language
from imagegen_core.resolving import ProviderKinds, ProviderListing, ResolveProvider
from imagegen_core.secrets import Redactor
from imagegen_http.api.providers import describe_presets
from imagegen_http.service import check_file_providers
from imagegen_http.settings.schema import SettingsError
from tests.contracts.clock import ManualClock

DAY = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def kinds():
    return ProviderKinds(adapters=compose_providers(ManualClock(), Outbound()))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("demo", "demo"),
        ("demonstration", "http"),
        ("gemini", "gemini"),
        ("gemini-work", "gemini"),
        ("stable-diffusion", "stable_diffusion"),
        ("stable-diffusion-lan", "stable_diffusion"),
        ("comfyui", "comfyui"),
        ("comfyui-flux", "comfyui"),
        ("openai", "http"),
        ("anything", "http"),
    ],
)
def test_the_kind_follows_from_the_name(kinds, name, kind):
    """So that a key and a name are enough."""
    config = ProviderConfig(provider_name=name, source=ConfigSource.FILE)

    assert (kind, kind) == (kinds.implied_by(name), kinds.combine([config]).kind)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("opnai", "openai"),
        ("OpenAI", "openai"),
        ("genimi", "gemini"),
        ("dmeo", "demo"),
        ("stable_diffusion", "stable-diffusion"),
        ("comfy-ui", "comfyui"),
        ("studio-2", "studio-1"),
        ("openai", None),
        ("nobody", None),
    ],
)
def test_a_misspelt_name_is_told_what_was_probably_meant(kinds, name, meant):
    """A name that an adapter or a preset goes by, or one that is configured."""
    assert meant == kinds.similar_name(name, ["studio-1"])


@pytest.mark.parametrize(
    ("name", "fields", "meant"),
    [
        ("opnai", {}, "openai"),
        ("gemnii", {"kind": "http"}, "gemini"),
        ("opnai", {"extra_config": {"preset": "openai"}}, None),
        ("gemnii", {"kind": "demo"}, None),
        ("openai-2", {}, None),
        ("gemini-2", {}, None),
        ("anything", {}, None),
    ],
)
def test_a_configuration_whose_name_looks_like_a_mistake_is_warned_of(kinds, name, fields, meant):
    """In the file and where it is saved, unless it says which API it is."""
    config = ProviderConfig(provider_name=name, source=ConfigSource.FILE, **fields)
    warnings = [w.text(Language.EN) for w in check_file_providers(kinds, {name: config})]

    assert meant == kinds.misspelt_name(kinds.combine([config]))
    assert [meant is not None] == [f"providers.{name}: did you mean {meant!r}?" in " ".join(warnings)]


@pytest.mark.anyio
@pytest.mark.parametrize("require_saved", [False, True])
async def test_a_task_for_a_misspelt_provider_is_refused_with_a_hint(kinds, require_saved):
    """What is configured comes first to mind."""
    resolve = ResolveProvider(
        configs=memory_adapters().configs,
        file_configs={"atelier": ProviderConfig(provider_name="atelier", source=ConfigSource.FILE)},
        kinds=kinds,
        redactor=Redactor(),
        clock=ManualClock(),
    )
    with pytest.raises(ProviderNotConfigured) as caught:
        await resolve(provider_name="attelier", require_saved=require_saved)

    assert "did you mean 'atelier'?" == str(caught.value.hint)


def test_a_kind_that_is_said_counts_before_the_name(kinds):
    """In whichever layer."""
    layers = [
        ProviderConfig(provider_name="gemini", source=ConfigSource.DATABASE),
        ProviderConfig(provider_name="gemini", source=ConfigSource.FILE, kind="demo"),
    ]

    assert "demo" == kinds.combine(layers).kind


def test_without_an_adapter_that_takes_the_name_there_is_no_kind():
    """A program may compose whatever it likes."""
    assert ProviderKinds(adapters={}).implied_by("demo") is None


@pytest.mark.parametrize(
    ("kind", "extra", "field"),
    [
        ("painting", {}, "kind"),
        ("http", {"dialect": "a1111"}, "extra_config.dialect"),
        (None, {"dialekt": "a1111"}, "extra_config.dialekt"),
    ],
)
def test_what_no_adapter_reads_is_refused(kinds, kind, extra, field):
    """In a layer, and in the file by the provider's name."""
    config = ProviderConfig(provider_name="own", source=ConfigSource.FILE, kind=kind, extra_config=extra)
    with pytest.raises(ValidationFailed) as refused:
        kinds.check(kind, extra)
    with pytest.raises(SettingsError, match=f"^providers.own.{field}: "):
        check_file_providers(kinds, {"own": config})

    assert [field] == [problem.field for problem in refused.value.problems]


def test_where_a_layer_says_no_kind_a_key_of_any_kind_will_do(kinds):
    """A saved row may say it."""
    kinds.check(None, {"dialect": "a1111", "preset": "openai"})


@pytest.mark.parametrize(("name", "extra"), [("own", {"preset": "tencent"}), ("tencent", {})])
def test_a_provider_that_was_switched_off_stops_no_start(kinds, name, extra):
    """It is one of many; the warning says since when, and what to use instead."""
    config = ProviderConfig(provider_name=name, source=ConfigSource.FILE, kind="http", extra_config=extra)

    (warning,) = check_file_providers(kinds, {name: config})

    assert (
        f"providers.{name}.extra_config.preset: tencent was switched off by its provider on 2026-09-30; "
        "use preset tokenhub with a key of its own"
    ) == str(warning)


@pytest.mark.parametrize(
    ("extra", "configured", "seconds"),
    [({"preset": "ark"}, None, 300), ({"preset": "ark"}, 20, 20), ({"preset": "fal"}, None, 60)],
)
def test_a_call_is_waited_for_as_long_as_its_provider_takes(kinds, extra, configured, seconds):
    """Seedream 5.0 pro makes an image in two minutes; what the configuration says counts more."""
    config = ProviderConfig(
        provider_name="p",
        source=ConfigSource.FILE,
        kind="http",
        timeout_seconds=configured,
        extra_config=extra,
    )

    assert seconds == resolver(kinds).describe([config]).config.timeout


GONE, AFTER_IT, OTHER = "dall-e-3", "gpt-image-2", "some-model"


@pytest.mark.parametrize(
    ("models", "default"),
    [
        ((OTHER, AFTER_IT), OTHER),
        ((GONE, OTHER, AFTER_IT), OTHER),
        ((f"{GONE} default", OTHER, AFTER_IT), OTHER),
        ((GONE, OTHER, f"{AFTER_IT} default"), AFTER_IT),
        ((GONE, "dall-e-2"), GONE),
        ((GONE, "dall-e-2 default"), "dall-e-2"),
    ],
)
@pytest.mark.parametrize("preset", ["openai", "openai-compatible"])
def test_a_list_of_ones_own_has_one_default(kinds, preset, models, default):
    """The first that lives where none is said, or a retired one is; a retired one if all are."""
    entries = tuple(ModelEntry(id=name.split()[0], default=name.endswith("default")) for name in models)
    config = ProviderConfig(
        provider_name="p",
        source=ConfigSource.FILE,
        kind="http",
        models=entries,
        extra_config={"preset": preset},
    )

    assert [default] == defaults(resolver(kinds).describe([config]).profile.models)


def test_only_models_in_use_are_warned_of(kinds):
    """A preset that lists a model whose end is past warns nobody who did not name that model."""
    shipped = ProviderConfig(
        provider_name="p", source=ConfigSource.FILE, kind="http", extra_config={"preset": "ark"}
    )
    listed = resolver(kinds).describe([shipped])
    ends = [model.warning_on(DAY.date()) for model in listed.profile.models]
    gone = next(model for model, end in zip(listed.profile.models, ends, strict=True) if end is not None)
    named = attrs.evolve(shipped, models=(ModelEntry(id=gone.id),))

    assert () == listed.warnings_on(DAY.date())
    assert (gone.warning_on(DAY.date()),) == resolver(kinds).describe([named]).warnings_on(DAY.date())


def test_every_list_shows_one_default(kinds):
    """Of each kind and preset, as they are shown on the day of the facts; without models there is none."""
    shown = {preset.name: preset.models for preset in describe_presets(kinds.adapters, DAY.date())}
    for name in ("demo", "gemini", "stable_diffusion", "comfyui"):
        config = ProviderConfig(provider_name="p", source=ConfigSource.FILE, kind=name)
        shown[f"{name} itself"] = resolver(kinds).describe([config]).profile.models
    extra = {"dialect": "stability"}
    config = ProviderConfig(
        provider_name="p", source=ConfigSource.FILE, kind="stable_diffusion", extra_config=extra
    )
    shown["stability itself"] = resolver(kinds).describe([config]).profile.models

    assert {} == {
        name: defaults(models) for name, models in shown.items() if len(defaults(models)) != bool(models)
    }


def defaults(models):
    return [model.id for model in models if model.default]


def resolver(kinds, configs=None):
    return ResolveProvider(
        configs=configs or memory_adapters().configs,
        file_configs={},
        kinds=kinds,
        redactor=Redactor(),
        clock=ManualClock(DAY),
    )


@pytest.mark.anyio
async def test_a_saved_provider_that_was_switched_off_says_so(kinds):
    """It is shown without models, with the reason; no call is made under another protocol instead."""
    configs = memory_adapters().configs
    config = ProviderConfig(provider_name="tencent", source=ConfigSource.DATABASE)
    await configs.save(config, key_origin="")
    resolve = resolver(kinds, configs)

    shown = await ProviderListing(resolve=resolve).get("tencent")
    with pytest.raises(ValidationFailed) as refused:
        await resolve(provider_name="tencent")

    assert () == shown.profile.models
    assert [str(refused.value)] == [str(warning) for warning in shown.warnings_on(dt.date(2026, 11, 26))]
