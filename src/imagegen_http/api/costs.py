"""Costs: of a task, of an image, and of all tasks of a time."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

import msgspec

from imagegen_core.costs import Basis, UsageGrouping, amount_text
from imagegen_core.costs import Cost as CoreCost
from imagegen_core.costs import Usage as CoreUsage
from imagegen_http.api.errors import get
from imagegen_http.api.parameters import (
    MOMENT_WORDS,
    ServiceDependency,
    ZoneQuery,
    parse_moment,
    parse_zone,
    query,
)
from imagegen_http.api.responses import Success, success
from imagegen_http.schemas import Answer, doc

Amounts = dict[Annotated[str, doc("currency")], Annotated[str, doc("a decimal number")]]


class Cost(Answer, frozen=True, kw_only=True):
    """What something costs, in the currency that the provider bills."""

    amount: Annotated[
        str | None, doc("a decimal number; with `unknown` what is known of it, or null", "0.20")
    ]
    currency: Annotated[str | None, doc("of the amount", "CNY")]
    basis: Annotated[
        Basis,
        doc(
            "`known`: the provider said it; `estimated`: by its price; `unknown`: more, or nobody knows",
            "estimated",
        ),
    ]

    @classmethod
    def from_cost(cls, cost: CoreCost) -> "Cost":
        return cls(amount=cost.text, currency=cost.currency, basis=cost.basis)

    @classmethod
    def optional(cls, cost: CoreCost | None) -> "Cost | None":
        return None if cost is None else cls.from_cost(cost)


class Estimate(Answer, frozen=True, kw_only=True):
    """What a request would cost if it made all that it asks for."""

    cost: Annotated[Cost | None, doc("null where calls cost nothing")]


class UsageGroup(Answer, frozen=True, kw_only=True):
    """What the tasks that ended in a time have used, of one day, provider or model."""

    key: Annotated[str, doc("the day, the provider's name or the model's id", "2026-11-24")]
    tasks: Annotated[int, doc("tasks that ended, however they did", 12)]
    images: Annotated[int, doc("images that they yielded, deleted ones too", 20)]
    known_amounts: Annotated[
        Amounts, doc("what providers said that they charged, by currency", {"USD": "0.08"})
    ] = msgspec.field(name="known")
    estimated: Annotated[Amounts, doc("what was charged by the price lists", {"CNY": "3.60"})]
    possible: Annotated[
        Amounts, doc("what calls with an unknown outcome may have cost; in no other sum", {"CNY": "0.20"})
    ]
    unknown_attempts: Annotated[
        int, doc("calls that were charged, or may have been, and nobody knows how much", 0)
    ]

    @classmethod
    def from_usage(cls, key: str, usage: CoreUsage) -> "UsageGroup":
        return cls(
            key=key,
            tasks=usage.tasks,
            images=usage.images,
            known_amounts=_texts(usage.known_amounts),
            estimated=_texts(usage.estimated_amounts),
            possible=_texts(usage.possible_amounts),
            unknown_attempts=usage.unknown_attempts,
        )


class Usage(Answer, frozen=True, kw_only=True):
    """What the tasks that ended in a time have used; a group without any is left out."""

    groups: Annotated[list[UsageGroup], doc("in the order of their keys")]


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: amount_text(amount) for currency, amount in amounts.items()}


FromQuery = Annotated[
    str | None, query("ended at or after this date or time (ISO 8601)", "from", **MOMENT_WORDS)
]
ToQuery = Annotated[
    str | None, query("ended before this time, or up to the end of this date", "to", **MOMENT_WORDS)
]
GroupQuery = Annotated[UsageGrouping | None, query("what a group is; `day` when left out")]


@get("/api/v1/usage", "tasks", "validation_failed")
async def show_usage(
    service: ServiceDependency,
    ended_from: FromQuery = None,
    ended_to: ToQuery = None,
    group_by: GroupQuery = None,
    tz: ZoneQuery = "UTC",
) -> Success[Usage]:
    """Add up tasks, images and costs of the tasks that ended in a time; nothing is converted.

    Each currency has its own sum. What may have been charged by calls with an unknown outcome is in
    `possible` alone.
    """
    zone = parse_zone("tz", tz)
    usages = await service.imagegen.tasks.usage(
        grouping=group_by or UsageGrouping.DAY,
        since=parse_moment("from", ended_from, end_of_day=False, zone=zone),
        until=parse_moment("to", ended_to, end_of_day=True, zone=zone),
        zone=zone,
    )
    return success(Usage(groups=[UsageGroup.from_usage(key, usage) for key, usage in usages.items()]))
