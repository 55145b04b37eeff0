"""Forms need no code for a provider: each shipped model says its sizes and what its parameters are called."""

import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.comfyui import ComfyUIProvider
from imagegen_adapters.providers.demo.provider import DemoProvider
from imagegen_adapters.providers.document.models import size_for_upstream
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.providers.document.reading import load_preset, preset_names
from imagegen_adapters.providers.gemini.provider import GeminiProvider
from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.facts import form_field_of
from imagegen_core.models import canonical, check_request, control_of, form_of
from imagegen_core.requests import ImageRequest, Operation
from tests.contracts.clock import ManualClock

VERTEX = {"backend": "vertex", "project": "p", "location": "l"}
IMAGEN = ("imagen-4.0-generate-001", "imagen-3.0-capability-001", "image-segmentation-001")


def config(name="p", models=(), **extra) -> ProviderConfig:
    entries = tuple(ModelEntry(id=model) for model in models) or None
    return ProviderConfig(provider_name=name, source=ConfigSource.FILE, models=entries, extra_config=extra)


def shipped_models():
    """Return every model of every shipped provider, with its adapter and configuration."""
    outbound, clock = Outbound(), ManualClock()
    gemini, diffusion = GeminiProvider(outbound, clock=clock), StableDiffusionProvider(outbound, clock=clock)
    configured = [
        (DemoProvider(clock), config()),
        (gemini, config()),
        (gemini, config(models=IMAGEN, **VERTEX)),
        (diffusion, config(dialect="a1111")),
        (diffusion, config(dialect="stability")),
        (ComfyUIProvider(outbound, clock=clock), config()),
        *((HttpProvider(outbound, clock=clock), config(preset=name)) for name in preset_names()),
    ]
    for provider, settings in configured:
        for model in provider.describe(settings).models:
            name = settings.extra_config.get("preset") or type(provider).__name__
            yield pytest.param(provider, settings, model, id=f"{name}-{model.id}")


SHIPPED = list(shipped_models())


@pytest.mark.parametrize(("provider", "settings", "model"), SHIPPED)
def test_every_parameter_has_a_label_in_both_languages(provider, settings, model):
    """None is shown by the name that the API has for it."""
    for parameter in model.parameters:
        field = parameter.form_field

        assert parameter.name not in {field.label.zh, field.label.en}
        assert field.label.zh != field.label.en
        assert all(label.zh and label.en for label in field.choices.values())


@pytest.mark.parametrize(("provider", "settings", "model"), SHIPPED)
def test_every_offered_size_is_taken_as_it_is(provider, settings, model):
    """It passes the checks before the queue, and nothing is rounded."""
    labels = [size.label for size in model.sizes]
    for size in model.sizes:
        request = ImageRequest(operation=Operation.GENERATE, prompt="x", params=canonical(size.params))
        if Operation.GENERATE in model.operations:
            check_request(request, model)
            provider.split(request, model, settings)
        if isinstance(provider, HttpProvider):
            spec = load_preset(settings.extra_config["preset"]).model(model.id)
            for operation in size.operations or model.operations:
                assert None is size_for_upstream(size.params, spec.size_of(operation)).note

    assert sorted(set(labels)) == sorted(labels)


@pytest.mark.parametrize(("provider", "settings", "model"), SHIPPED)
def test_a_model_that_takes_a_size_offers_some(provider, settings, model):
    """Whoever cannot choose has nothing to choose from."""
    takes_size = any(control_of(parameter.name) == "size" for parameter in model.parameters)

    assert takes_size == bool(model.sizes)


@pytest.mark.parametrize(("provider", "settings", "model"), SHIPPED)
def test_a_form_shows_what_the_model_takes(provider, settings, model):
    """Each field once, the number of images among them."""
    form = form_of(model)

    assert "num" in form
    assert len(set(form)) == len(form)
    assert {*form} <= {control_of(parameter.name) for parameter in model.parameters}


def test_a_name_that_nobody_knows_is_its_own_label():
    """A document of a user's own need not say more than a name."""
    label = form_field_of("sharpness").label

    assert ("sharpness", "sharpness") == (label.zh, label.en)
