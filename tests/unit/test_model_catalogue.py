"""The facts of models: who is alive, what replaces the others, and where that was read."""

import datetime as dt
from importlib import resources
from pathlib import Path

import pytest

from imagegen_adapters.providers.common.calls import catalogue, facts_of, load_yaml
from imagegen_adapters.providers.document.models import profile_of
from imagegen_adapters.providers.document.reading import ALIASES, load_preset, preset_names
from imagegen_adapters.providers.gemini.requests import DEFAULT_MODELS, Backend, model_of
from imagegen_adapters.providers.stability import load_stability
from imagegen_adapters.system import SystemClock
from imagegen_core.config import ModelEntry
from imagegen_core.costs import quote
from imagegen_core.models import Lifecycle, LifecycleStatus, choose_model
from imagegen_core.requests import ImageRequest, InputImage, Operation

LISTED = [(provider, model_id, facts) for (provider, model_id), facts in catalogue().items() if provider]
PRESETS = [load_preset(name) for name in preset_names() if name not in ALIASES]
DOCUMENTS = [*PRESETS, load_stability()]
DESCRIBED = [(document.id, model.id, model) for document in DOCUMENTS for model in document.models]
LIVES = {
    **{(provider, model_id): facts.lifecycle for provider, model_id, facts in LISTED},
    **{
        (provider, model_id): Lifecycle(retires=model.retires, replaced_by=model.replaced_by)
        for provider, model_id, model in DESCRIBED
    },
}


def test_an_unknown_model_is_active():
    """Nobody is warned of a model that we know nothing of."""
    assert Lifecycle() == facts_of("somebody-elses-model", provider="somebody").lifecycle


@pytest.mark.parametrize(
    "spelling", ["imagen-4.0-generate-001", "publishers/google/models/imagen-4.0-generate-001"]
)
def test_a_retired_model_names_its_successor(spelling):
    """The provider's long spelling is the same model."""
    assert (
        Lifecycle(retires=dt.date(2026, 8, 17), replaced_by="gemini-nano-banana-2.1")
        == facts_of(spelling, provider="google").lifecycle
    )


def test_a_relay_cannot_serve_a_model_longer():
    """Its price and the page of its facts are another's."""
    facts = facts_of("dall-e-3", provider="some-relay")

    assert (dt.date(2026, 5, 12), None, ()) == (facts.lifecycle.retires, facts.price, facts.sources)


@pytest.mark.parametrize(("provider", "model_id"), LIVES)
def test_whatever_is_replaced_has_a_living_successor(provider, model_id):
    """A warning leads to a model that the same provider serves after that day."""
    life = LIVES[provider, model_id]
    if life != Lifecycle():
        assert Lifecycle() == LIVES[provider, life.replaced_by]


def test_no_model_stands_in_two_places():
    """A fact that is written twice is wrong once."""
    described, listed = ({(name, model_id) for name, model_id, _ in each} for each in (DESCRIBED, LISTED))

    assert set() == described & listed


def test_the_catalogue_has_no_misspelt_field():
    """It would be ignored."""
    page = resources.files("imagegen_adapters.providers.common").joinpath("models.yaml").read_text("utf-8")
    listed = load_yaml(page)

    assert [] == [each for each in listed if set(each) != {"provider", "sources", "models"}]
    fields = {name for each in listed for model in each["models"] for name in model}
    assert {"id", "retires", "replaced_by", "price"} == fields


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_each_shipped_document_says_where_it_was_read(document):
    """Its facts age, and somebody has to look again."""
    assert document.sources
    assert [] == [model.id for model in document.models if model.price and not model.price.source]


@pytest.mark.parametrize("document", PRESETS, ids=lambda document: document.id)
def test_no_shipped_document_gives_a_paid_image_up_too_soon(document):
    """A job has half an hour, more where it may run that long; an answer with the images five minutes."""
    polls = [operation.poll for operation in document.operations.values()]
    patience = 1801 if document.id in ("sub2api", "replicate") else 1800

    assert [] == [poll.deadline_s for poll in polls if poll is not None and poll.deadline_s < patience]
    assert None not in polls or (document.timeout_s or 60) >= 300


def test_the_reference_names_a_source_for_every_provider():
    """Also where no model is listed; what draws offline has none."""
    page = (Path(__file__).parents[2] / "docs/reference/providers.md").read_text("utf-8")

    sections = {text.partition("\n")[0]: text for text in page.split("\n## ")[1:]}
    assert ["demo"] == [name for name, text in sections.items() if "](https://" not in text]


def test_the_catalogue_says_where_it_was_read():
    """Prices say it themselves."""
    assert all(facts.sources for *_, facts in LISTED)
    assert [] == [model_id for _, model_id, facts in LISTED if facts.price and not facts.price.source]


@pytest.mark.parametrize(
    ("lifecycle", "status"),
    [
        (Lifecycle(), LifecycleStatus.ACTIVE),
        (Lifecycle(replaced_by="new"), LifecycleStatus.DEPRECATED),
        (Lifecycle(retires=dt.date(2026, 12, 1)), LifecycleStatus.DEPRECATED),
        (Lifecycle(retires=dt.date(2026, 11, 26)), LifecycleStatus.RETIRED),
        (Lifecycle(retires=dt.date(2026, 11, 25), replaced_by="new"), LifecycleStatus.RETIRED),
    ],
)
def test_the_status_follows_from_the_day(lifecycle, status):
    """The day of the end is the first without the model."""
    assert status is lifecycle.status_on(dt.date(2026, 11, 26))


@pytest.mark.parametrize(
    ("preset", "model_id", "params", "references", "amount"),
    [
        ("ark", "doubao-seedream-5-0-pro-260628", {}, 0, "0.60"),
        ("ark", "doubao-seedream-5-0-pro-260628", {"size": "1.5K"}, 0, "0.30"),
        ("ark", "doubao-seedream-5-0-pro-260628", {"size": "1152x2048"}, 1, "0.30"),
        ("ark", "doubao-seedream-5-0-pro-260628", {"size": "2816x1584"}, 3, "0.64"),
        ("ark", "doubao-seedream-5-0-flash-260915", {"size": "2K"}, 3, "0.12"),
        ("ark", "doubao-seedream-5-5-261028", {}, 0, None),
        ("dashscope", "qwen-image-3.0", {}, 2, "0.22"),
        ("dashscope", "qwen-image-3.0-pro", {"size": "1024x1024"}, 0, "0.25"),
        ("dashscope", "qwen-image-3.0-pro", {"size": "1536x1536"}, 0, None),
        ("tokenhub", "hy-image-v3.5-preview", {"size": "2048x2048"}, 0, "0.15"),
        ("tokenhub", "hy-image-v3.5-preview", {"size": "4096x4096"}, 0, "0.20"),
        ("tokenhub", "seedream-image-v5.0-pro", {}, 2, "0.62"),
        ("zhipu", "cogview-3-flash", {}, 0, "0.00"),
        ("minimax", "image-01", {}, 1, "0.025"),
        ("qianfan", "musesteamer-air-image", {}, 0, "0.05"),
        ("kling", "kling-v3", {}, 0, None),
        ("bfl", "flux-2-pro", {}, 0, "0.03"),
        ("bfl", "flux-2-pro", {"size": "1920x1080"}, 0, "0.045"),
        ("bfl", "flux-2-pro", {}, 1, None),
        ("fal", "fal-ai/flux/dev", {"width": 2048, "height": 2048}, 0, "0.10"),
        ("ideogram", "ideogram-4-5", {}, 0, "0.06"),
        ("openai", "gpt-image-2", {}, 0, "0.210725"),
        ("xai", "grok-imagine-image-2.0", {}, 0, "0.04"),
        ("xai", "grok-imagine-image-2.0", {"size": "2k", "quality": "medium"}, 0, "0.08"),
        ("xai", "grok-imagine-image-2.0", {"size": "1.5k", "quality": "low"}, 0, "0.05"),
        ("xai", "grok-imagine-image-2.0", {}, 2, "0.08"),
        ("xai", "grok-imagine-image-quality", {}, 0, "0.04"),
        ("xai", "grok-imagine-image-quality", {"size": "2k"}, 1, "0.07"),
    ],
)
def test_a_shipped_price_is_what_the_provider_says(preset, model_id, params, references, amount):
    """Examples of the price lists, by size, quality and references; one that nobody knows is unknown."""
    model = choose_model(profile_of(load_preset(preset), None).models, model_id)
    image = InputImage(key="k", mime_type="image/png", width=9, height=9, size_bytes=9, sha256="")
    operation = Operation.REFERENCE if references else Operation.GENERATE
    request = ImageRequest(operation=operation, prompt="x", params=params, references=(image,) * references)

    cost = quote(request, model, is_billed=True)

    assert amount == cost.text


@pytest.mark.parametrize(
    ("model_id", "params", "amount"),
    [
        ("gemini-nano-banana-2.1", {}, "0.0336"),
        ("gemini-nano-banana-2.1", {"width": 1024, "height": 1024}, "0.0336"),
        ("gemini-nano-banana-2.1", {"image_size": "4K"}, None),
        ("gemini-3-pro-image", {"image_size": "2K", "aspect_ratio": "16:9"}, "0.1344"),
        ("gemini-3-pro-image", {"image_size": "4K"}, "0.24"),
        ("gemini-3.1-flash-lite-image", {}, "0.0336"),
    ],
)
def test_an_image_of_gemini_has_a_price_by_its_size(model_id, params, amount):
    """Until its tokens are counted."""
    model = model_of(ModelEntry(id=model_id), Backend.DEVELOPER)

    cost = quote(ImageRequest(operation=Operation.GENERATE, prompt="x", params=params), model, is_billed=True)

    assert amount == cost.text


def test_the_default_of_an_adapter_with_code_is_served_today():
    """It fails on the day on which that model retires; the defaults of documents have a test of their own."""
    default = next(entry for entry in DEFAULT_MODELS if entry.default)

    lifecycle = facts_of(default.id, provider="google").lifecycle

    assert lifecycle.status_on(SystemClock().now().date()) is not LifecycleStatus.RETIRED


@pytest.mark.parametrize(
    ("mode", "amount"),
    [({}, "0.02"), ({"upscale_mode": "conservative"}, "0.40"), ({"upscale_mode": "creative"}, "0.60")],
)
def test_an_upscale_of_stability_costs_what_its_mode_does(mode, amount):
    """Thirty times between the cheapest and the dearest."""
    request = ImageRequest(operation=Operation.UPSCALE, prompt="x", params=mode)

    cost = quote(request, profile_of(load_stability(), None).models[0], is_billed=True)

    assert amount == cost.text


@pytest.mark.parametrize(
    ("preset", "model_id", "takes_mask"),
    [
        ("openai", "gpt-image-2", True),
        ("ideogram", "ideogram-4-5", True),
        ("xai", "grok-imagine-image-2.0", False),
    ],
)
def test_a_mask_is_more_than_advice_where_the_provider_says_so(preset, model_id, takes_mask):
    """A canvas can be widened by those models alone."""
    model = choose_model(profile_of(load_preset(preset), None).models, model_id)

    assert takes_mask is model.takes_mask
    assert not model_of(ModelEntry(id="gemini-3-pro-image"), Backend.DEVELOPER).takes_mask
