"""API.md section 6: the models of all usable providers."""

import openai
import pytest

from tests.integration.api.asking import CONFIG, data


@pytest.fixture
def slashed(api):
    """A provider with a slash in its model's id, and a disabled one."""
    data(api.post(CONFIG, json={"provider_name": "zoo", "kind": "demo", "models": [{"id": "big/cat"}]}))
    data(api.post(CONFIG, json={"provider_name": "closed", "kind": "demo", "enabled": False}))
    yield
    api.delete(f"{CONFIG}/zoo")
    api.delete(f"{CONFIG}/closed")


@pytest.fixture
def configure(api):
    """Save providers that are removed again."""
    names = []

    def save(name, *models, kind="demo", **fields):
        names.append(name)
        body = {"provider_name": name, "kind": kind, "models": [{"id": model} for model in models], **fields}
        data(api.post(CONFIG, json=body))

    yield save
    for name in names:
        api.delete(f"{CONFIG}/{name}")


def test_models_are_listed_by_provider_and_model_and_by_their_ids(client, slashed):
    """Only the usable ones."""
    models = {model.id: model for model in client.models.list()}

    assert {"demo/demo", "zoo/big/cat", "demo", "big/cat"} == set(models)
    for name in ("zoo/big/cat", "big/cat"):
        assert ("model", "zoo", True) == (
            models[name].object,
            models[name].owned_by,
            models[name].created > 1_700_000_000,
        )


def test_an_id_that_two_providers_have_is_no_name(client, configure):
    """Nor one that is another model's whole name: a client could not know which it gets."""
    configure("first", "twin", "second/odd")
    configure("second", "twin", "odd")

    names = {model.id for model in client.models.list()}

    assert {"first/twin", "second/twin", "first/second/odd", "second/odd", "odd"} <= names
    assert "twin" not in names
    assert "second" == client.models.retrieve("second/odd").owned_by


def test_a_retired_model_is_not_listed(client, configure):
    """It is still found by those who know its name, with the day of its end."""
    configure(
        "gone", "dall-e-3", "gpt-image-2", kind="http", api_key="sk-0", extra_config={"preset": "openai"}
    )

    assert {"gone/gpt-image-2", "gpt-image-2"} == {
        model.id for model in client.models.list() if model.owned_by == "gone"
    }
    assert "2026-05-12" == client.models.retrieve("gone/dall-e-3").shutdown_date


@pytest.mark.parametrize("name", ["zoo/big/cat", "big/cat"])
def test_a_model_is_found_by_both_names(client, slashed, name):
    """Also if its id has a slash."""
    model = client.models.retrieve(name)

    assert (name, "zoo") == (model.id, model.owned_by)
    assert 1 == len(client.images.generate(prompt="a", size="64x64", model=name).data)


@pytest.mark.parametrize("name", ["nothing", "zoo/demo", "closed/demo", "zoo/", "/", "demo/demo/demo"])
def test_an_unknown_model_is_404(client, slashed, name):
    """In every form."""
    with pytest.raises(openai.NotFoundError) as raised:
        client.images.generate(prompt="a", model=name)

    assert ("model_not_found", "model") == (raised.value.code, raised.value.param)


def test_an_unknown_model_cannot_be_retrieved(client, slashed):
    """404, with the same code."""
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("closed/demo")

    assert "model_not_found" == raised.value.code
