"""What a document's provider says a call was charged for, as outside text."""

from decimal import Decimal

import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.document.expressions import Expression, UpstreamResponse
from imagegen_adapters.providers.document.operations import UsageSpec
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.providers.document.results import find_usage, usage_of
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.costs import ReportedUsage
from imagegen_core.facts import TokenKind
from tests.contracts.clock import ManualClock
from tests.unit.providers.test_http_document import changed, problems

CENTS = UsageSpec(
    amount=Expression.parse("cost || header:x-cost"),
    currency="USD",
    unit=0.01,
    tokens={TokenKind.IMAGE_OUTPUT: Expression.parse("usage.output")},
)


def response(tree):
    return UpstreamResponse(status=200, headers={}, tree=tree)


@pytest.mark.parametrize("value", [4, "4", 4.0])
def test_a_number_is_found_as_such_or_in_digits(value):
    """And is worth its unit."""
    values = find_usage(CENTS, response({"cost": value, "usage": {"output": 7}}))

    assert {"amount": value, "image_output": 7} == values
    expected = ReportedUsage(amount=Decimal("0.04"), currency="USD", tokens={TokenKind.IMAGE_OUTPUT: 7})
    assert expected == usage_of(CENTS, values)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, "", "sk-0123456789abcdef", "four", [4], {"cost": 4}, -4, "-4", "4 " * 40),
        pytest.param(10**5000, id="5001 digits"),
        *(float("inf"), float("nan")),
    ],
)
def test_nothing_else_is_stored(value):
    """Above all no key that a provider sends back in its place."""
    assert {} == find_usage(CENTS, response({"cost": value, "usage": "none"}))


def test_the_response_with_the_images_counts_more():
    """What only the one to the submission tells is taken from there."""
    with_images, to_submission = {"image_output": 7}, {"amount": 4, "image_output": 1}

    usage = usage_of(CENTS, with_images, to_submission)

    assert (Decimal("0.04"), 7) == (usage.amount, usage.tokens[TokenKind.IMAGE_OUTPUT])


def test_a_response_without_any_of_it_says_nothing():
    """Nor does one of a document that does not ask."""
    assert usage_of(CENTS, {}, {}) is None
    assert {} == find_usage(None, response({"cost": 4}))
    assert usage_of(None, {"amount": 4}) is None


@pytest.mark.parametrize(
    ("usage", "field"),
    [
        ({"amount": "cost"}, "currency"),
        ({"currency": "USD"}, "amount"),
        ({"amount": "cost", "currency": "dollar"}, "currency"),
        ({"amount": "cost", "currency": "USD", "unit": 0}, "unit"),
        ({"amount": "cost", "currency": "USD", "unit": "cent"}, "unit"),
        ({"tokens": {"image": "usage.output"}}, "tokens"),
        ({"sum": "cost"}, "sum"),
    ],
)
def test_a_mistake_is_reported_with_its_place(usage, field):
    """Such as an amount in no currency."""
    document = changed("operations.generate.response.usage", usage)

    (path,) = problems(document)
    assert path.startswith(f"spec.operations.generate.response.usage.{field}")


@pytest.mark.parametrize("billed", [True, False])
def test_a_document_says_whether_anybody_charges(billed):
    """Of what runs on a machine of one's own, a call costs nothing, instead of nobody knows how much."""
    document = changed("billed", billed)
    config = ProviderConfig(
        provider_name="p", source=ConfigSource.FILE, kind="http", extra_config={"spec": document}
    )
    provider = HttpProvider(Outbound(), clock=ManualClock())

    assert billed is provider.describe(config).billed
