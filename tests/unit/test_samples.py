"""The samples of providers' answers say where they come from, and each is used."""

import datetime as dt
from functools import cache
from pathlib import Path

import pytest

from tests.fakes import samples
from tests.fakes.samples import provider_samples, sample
from tests.vocabulary import modules

PROVIDERS = sorted(path.stem for path in samples.FOLDER.glob("*.yaml"))
TESTS = Path(samples.__file__).parents[1]


@cache
def users():
    """Return the text of all other tests."""
    return "\n".join(p.read_text("utf-8") for p in modules(TESTS) if p != Path(__file__))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_sample_has_its_source(provider):
    """Whose it is, where it is shown, when that was read, and which endpoint answers so."""
    file = provider_samples(provider)

    assert {"provider", "source", "page", "read", "answers"} == file.keys()
    assert file["page"].startswith("https://")
    assert isinstance(file["read"], dt.date)
    assert [] == [name for name, answer in file["answers"].items() if not answer.get("endpoint")]
    assert [] == [
        name
        for name, answer in file["answers"].items()
        if not {"body"} <= answer.keys() <= {"endpoint", "status", "headers", "body"}
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_sample_is_used(provider):
    """One that is not is a leftover."""
    unused = [name for name in provider_samples(provider)["answers"] if f'"{name}"' not in users()]

    assert [] == unused


def test_names_in_a_sample_get_values():
    """A name that is all of a text keeps its value's type."""
    body = sample("zhipu", "accepted", job="job-1", model="glm-image").body

    assert {"id": "job-1", "request_id": "r", "model": "glm-image", "task_status": "PROCESSING"} == body


def test_several_values_repeat_an_item():
    """Only the item of the list that names them; several names go in step."""
    body = sample("tencent", "done", url=("a", "b"), detail=("Success", "no")).body

    assert (["a", "b"], ["Success", "no"]) == (
        body["Response"]["ResultImage"],
        body["Response"]["ResultDetails"],
    )


def test_status_and_headers_are_part_of_a_sample():
    """200 and none where the file has none."""
    limited, images = sample("zhipu", "limited"), sample("openai", "images", image=())

    assert (429, {}) == (limited.status, limited.headers)
    assert (200, {"x-request-id": "req-1"}) == (images.status, images.headers)
    assert [] == images.body["data"]


def test_a_missing_value_is_no_empty_text():
    """It would be an answer that no provider gives."""
    with pytest.raises(KeyError):
        sample("zhipu", "accepted", job="job-1")
