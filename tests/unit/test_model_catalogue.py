"""The catalogue of models: who is alive, and what replaces the others."""

import pytest

from imagegen_adapters.model_catalogue import catalogue, lifecycle_of
from imagegen_adapters.providers.http import PresetLibrary
from imagegen_core.providers.capabilities import Lifecycle, LifecycleStatus


def test_an_unknown_model_is_active():
    """Nobody is warned of a model that we know nothing of."""
    assert Lifecycle() == lifecycle_of("somebody-elses-model")


@pytest.mark.parametrize(
    "spelling", ["imagen-4.0-generate-001", "publishers/google/models/imagen-4.0-generate-001"]
)
def test_a_retired_model_names_its_successor(spelling):
    """The provider's long spelling is the same model."""
    assert ("retired", "2026-08-17", "gemini-3-pro-image") == (
        lifecycle_of(spelling).status,
        lifecycle_of(spelling).date,
        lifecycle_of(spelling).replacement,
    )


def test_whatever_ends_has_a_date_and_a_living_successor():
    """A warning always says when, and leads to a model that is served."""
    for entry in catalogue().values():
        if entry.status is not LifecycleStatus.ACTIVE:
            assert entry.date, entry.id
            assert LifecycleStatus.ACTIVE is catalogue()[entry.replacement].status, entry.id


def test_the_catalogue_names_every_shipped_model():
    """A preset's model is known here, so that its end can be written down in one place."""
    library = PresetLibrary()
    shipped = {m.id for name in library.names() if name != "comfyui" for m in library.load(name).models}

    assert set() == shipped - set(catalogue())
