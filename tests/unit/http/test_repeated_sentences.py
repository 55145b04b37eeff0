"""No refusal that a command shows, and no failure of a task, says the same thing twice."""

import itertools
import re
from ipaddress import ip_address
from pathlib import Path

import pytest

from imagegen_adapters.outbound.addresses import AddressGate
from imagegen_adapters.outbound.errors import TRANSPORT_FAILURES
from imagegen_core import errors
from imagegen_core.errors import Refusal
from imagegen_core.messages import FailureReason, Language, RefusalCode
from imagegen_http.cli.api import refusal_reason
from imagegen_http.errors import envelope, failure_sentence
from tests.unit.test_message_tables import CODES

SOURCE = Path(__file__).parents[3] / "src"
PAIR = re.compile(r"FailureCode\.([A-Z_]+),\s*\w+\.([A-Z_0-9]+)\(")
REASONS = {code.name: code for code in CODES}
MIN_LIKENESS = 0.75
SMALL_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "by",
        "from",
        "has",
        "have",
        "in",
        "is",
        "it",
        "no",
        "not",
        "of",
        "or",
        "that",
        "the",
        "to",
    ]
)


def _refused_address():
    try:
        AddressGate().check_addresses("10.0.0.1", 80, [ip_address("10.0.0.1")])
    except errors.UpstreamNotAllowed as error:
        return error
    raise AssertionError


REFUSALS = [
    errors.ProviderNotConfigured("first"),
    errors.ProviderDisabled("first"),
    errors.ModelNotAvailable("m1", ("m2",)),
    errors.UnsupportedOperation("edit", ("generate",)),
    errors.InvalidImage("image", FailureReason.TYPE_UNCLEAR()),
    errors.ReferenceCount(3, 2),
    errors.ApiKeyRequired("first", "api_key", "http://a.example"),
    _refused_address(),
    errors.IdempotencyKeyReused(),
    errors.QueueFull(5),
    errors.Unavailable(RefusalCode.SHUTTING_DOWN()),
    errors.KeysLocked(RefusalCode.KEYS_LOCKED()),
    errors.InsufficientStorage(),
    errors.TaskNotFound("7"),
    errors.TaskNotRecallable("7"),
    errors.ImageNotFound(7),
    errors.CollectionNotFound(3),
    errors.CollectionExists("cats", 3),
    errors.TooManyCollections(),
    errors.TooManyTags((1, 2)),
    errors.WebhookNotFound(3),
    errors.DeliveryNotFound(3),
    errors.TooManyWebhooks(),
    errors.BatchNotFound("7"),
    errors.StyleNotFound("7"),
    errors.InputNotFound("7", 1),
    errors.ResponseNotKept("7", 1),
    errors.ThumbnailNotFound(7),
    errors.ProviderConfigNotFound("first"),
]


def _words(clause):
    """Return the words that mean something; of Chinese each pair of characters."""
    chinese = re.sub(r"[^\u4e00-\u9fff]", "", clause)
    words = {word.rstrip("s") for word in re.findall(r"[a-z_]+", clause.lower())} - SMALL_WORDS
    return words | set(map("".join, itertools.pairwise(chinese)))


def repeated_clauses(text):
    """Return the pairs of clauses of which one says what the other does."""
    clauses = [clause for clause in re.split(r"[:;：；]\s*", text) if len(_words(clause)) > 1]
    return [
        (one, other)
        for one, other in itertools.combinations(clauses, 2)
        if len(_words(one) & _words(other)) >= MIN_LIKENESS * min(len(_words(one)), len(_words(other)))
    ]


def _failures():
    """Yield each code of a failed task with the reasons that the source gives for it."""
    for file in SOURCE.rglob("*.py"):
        for code, name in re.findall(
            r"FailureCode\.([A-Z_]+),\s*\w+\.([A-Z_0-9]+)\(", file.read_text("utf-8")
        ):
            yield errors.FailureCode[code], REASONS[name]
    for failure in TRANSPORT_FAILURES.values():
        yield failure.code, failure.words
    yield errors.FailureCode.PROVIDER_DISABLED, RefusalCode.PROVIDER_DISABLED


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_a_command_shows_a_refusal_once(error, language):
    """The sentence about the request alone, where it says all that the error's own does."""
    data = {"detail": error.reason, **({} if error.hint is None else {"hint": error.hint}), **error.data}
    _, body = envelope(error.slug, data, language=language, request_id="r")

    assert [] == repeated_clauses(refusal_reason(body, {}).text(language))


def test_every_refusal_is_looked_at():
    """Those of fields have no sentence of their own."""
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refusal)}

    assert kinds - {Refusal, errors.NotFound, errors.ValidationFailed, errors.ProviderEnded} == set(
        map(type, REFUSALS)
    )


@pytest.mark.parametrize("language", Language)
def test_a_failure_is_told_once(language):
    """Whatever the reason, in both languages."""
    pairs = set(_failures())
    sentences = [
        failure_sentence(code, reason(**dict.fromkeys(reason.placeholders, "x1")), language)
        for code, reason in pairs
    ]

    assert [] == [text for text in sentences if repeated_clauses(text)]
