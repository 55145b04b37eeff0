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


def test_models_are_listed_as_provider_and_model(client, slashed):
    """Only the usable ones."""
    models = {model.id: model for model in client.models.list()}

    assert {"demo/demo", "zoo/big/cat"} == set(models)
    assert ("model", "zoo", True) == (
        models["zoo/big/cat"].object,
        models["zoo/big/cat"].owned_by,
        models["zoo/big/cat"].created > 1_700_000_000,
    )


@pytest.mark.parametrize("name", ["zoo/big/cat", "big/cat"])
def test_a_model_is_found_by_both_names(client, slashed, name):
    """Also if its id has a slash."""
    assert "zoo/big/cat" == client.models.retrieve(name).id
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
