"""Text that every store, response and log can hold."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.errors import CallError, FailureCode, text_problems
from imagegen_core.ports.provider import GeneratedImage, Probe, ProviderResult
from imagegen_core.values import MAX_DEPTH, valid_json, valid_text

ANY_CHARACTER = st.characters(codec=None, exclude_categories=())
ANY_TEXT = st.text(ANY_CHARACTER | st.sampled_from("\x00\ud83d\ude00"), max_size=12)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda v: st.lists(v, max_size=4) | st.dictionaries(ANY_TEXT, v, max_size=4),
    max_leaves=12,
)


def written(value):
    """Return the value as a strict encoder writes it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def image_of(metadata):
    return GeneratedImage(chunks=lambda: None, metadata=metadata)


@given(ANY_TEXT)
def test_valid_text_encodes_and_has_no_nul(text):
    """Whatever the text contained."""
    assert b"\x00" not in valid_text(text).encode()


@given(ANY_TEXT)
def test_text_without_a_problem_stays_as_it_is(text):
    """Exactly the texts that have a problem are repaired."""
    assert (valid_text(text) == text) == (not list(text_problems(text)))


@given(ANY_JSON)
def test_valid_json_can_be_written_and_stays_so(value):
    """At any depth, including keys and numbers; repeating it changes nothing."""
    valid = valid_json(value)

    assert valid == valid_json(valid) == json.loads(written(valid))


@given(st.dictionaries(ANY_TEXT, ANY_JSON, max_size=4), ANY_TEXT)
def test_whatever_an_adapter_hands_over_can_be_written(value, text):
    """A provider's text enters the core as valid text, even from a third-party adapter."""
    error = CallError(FailureCode.REJECTED, text, upstream_code=text)
    job = UpstreamJob(id=text, data=value)
    texts = [str(error), error.failure.message, error.failure.upstream_code, job.id]
    texts += [str(w) for w in ProviderResult(images=(), warnings=(text,)).warnings]
    texts.append(str(Probe(ok=True, detail=text).detail))

    assert written([dict(job.data), dict(Receipt(data=value).data), dict(image_of(value).metadata), texts])


def test_an_invalid_text_is_found_by_its_path():
    """A refusal can name the field; an invalid key is reported at its parent."""
    value = {"params": {"prompt": "a", "tags": ["b", "\ud83d"]}, "config": {"\x00": 1}}

    assert [
        ("params.tags.1", "must not contain half of a surrogate pair"),
        ("config", "must not contain NUL"),
    ] == [(path, str(reason)) for path, reason in text_problems(value)]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_no_json_has_becomes_nothing(number):
    """Python's parser accepts NaN, but no client does."""
    assert {"seed": None} == valid_json({"seed": number})


def test_what_lies_too_deep_is_left_out():
    """It would overflow the stack when it is serialised."""
    value = "deep"
    for _ in range(MAX_DEPTH * 20):
        value = [value]

    assert b"[" * MAX_DEPTH + b"null" + b"]" * MAX_DEPTH == written(valid_json(value))
