"""A batch: many tasks of one request, made little by little; what its items are, and where it stands."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from math import prod
from typing import Any, Literal

import attrs

from imagegen_core import limits
from imagegen_core.costs import Cost
from imagegen_core.errors import ValidationFailed, check_name, check_text
from imagegen_core.facts import is_currency
from imagegen_core.messages import Message, ProblemCode
from imagegen_core.task import Submission, Target, TaskStatus, canonical_json
from imagegen_core.values import frozen_mapping

# ---------------------------------------------------------------- templates

_TOKEN = re.compile(r"\{\{|\}\}|\{[^{}]+\}|[{}]")


def template_variables(template: str) -> tuple[str, ...]:
    """Return the names in braces, in order of first occurrence; a single brace is refused."""
    names = dict[str, None]()
    for match in _TOKEN.finditer(template):
        if match[0] in "{}":
            raise ValidationFailed.for_field("template", ProblemCode.SINGLE_BRACE(position=match.start() + 1))
        if match[0] not in ("{{", "}}"):
            names[match[0][1:-1]] = None
    return tuple(names)


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return the template with each ``{name}`` replaced by its value, and ``{{`` and ``}}`` by braces."""

    def text(match: "re.Match[str]") -> str:
        token = match[0]
        return token[0] if token in ("{{", "}}") else values[token[1:-1]]

    return _TOKEN.sub(text, template)


@attrs.frozen(kw_only=True)
class Style:
    """A pattern around somebody's prompt, and parameters that go well with it.

    Args:
        name, prompt, negative_prompt: by language, in one at least; ``{prompt}`` in a prompt is the place of
            somebody's own, other names in braces are variables.
        variables: values that are proposed for some of these.
        image_id: an image that shows what it does, which may be gone.
    """

    id: str
    name: Mapping[str, str] = attrs.field(converter=frozen_mapping)
    prompt: Mapping[str, str] = attrs.field(converter=frozen_mapping)
    negative_prompt: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping)
    variables: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, converter=frozen_mapping)
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    image_id: int | None = None

    def check(self, field: str) -> None:
        """Refuse a style that nobody could use, or that is too large; ``field`` is its own."""
        if not self.name or not self.prompt:
            raise ValidationFailed.for_field(
                f"{field}.{'prompt' if self.name else 'name'}", ProblemCode.EMPTY()
            )
        for language, name in self.name.items():
            check_name(f"{field}.name.{language}", name, maximum=limits.MAX_STYLE_NAME_CHARS)
        variables = set[str]()
        for language, pattern in self.prompt.items():
            place = f"{field}.prompt.{language}"
            try:
                names = template_variables(pattern)
            except ValidationFailed as error:
                raise error.with_fields({"template": place}) from error
            if "prompt" not in names:
                raise ValidationFailed.for_field(place, ProblemCode.NO_PLACE_FOR_PROMPT())
            variables.update(names)
        for name in self.variables:
            if name not in variables - {"prompt"}:
                raise ValidationFailed.for_field(f"{field}.variables.{name}", ProblemCode.VARIABLE_UNUSED())
        if len(canonical_json(attrs.asdict(self))) > limits.MAX_STYLE_BYTES:
            reason = ProblemCode.TOO_MANY_BYTES(maximum=limits.MAX_STYLE_BYTES)
            raise ValidationFailed.for_field(field, reason)


# ---------------------------------------------------------------- what is to be made


@attrs.frozen(kw_only=True)
class BatchItem:
    """One line of a batch that names its own parameters, and perhaps its own provider or model."""

    prompt: str
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    target: Target | None = None


@attrs.frozen(kw_only=True)
class BatchPlan:
    """All that the tasks of a batch are made from; it never changes, so item number k is always the same.

    Exactly one of ``prompts``, ``template`` and ``items`` is there. Each of their prompts is made by each
    target; of a template it is each combination of the variables' values, the last name changing fastest.
    ``fallback`` are asked after each target.
    """

    prompts: tuple[str, ...] = ()
    template: str | None = None
    variables: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, converter=frozen_mapping)
    items: tuple[BatchItem, ...] = ()
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    targets: tuple[Target, ...] = (Target(),)
    fallback: tuple[Target, ...] = ()

    def check(self) -> None:
        """Refuse what makes no tasks, too many, or a prompt that cannot be filled."""
        if sum((bool(self.prompts), self.template is not None, bool(self.items))) != 1:
            sources = ("prompts", "template", "items")
            raise ValidationFailed.for_field("body", ProblemCode.EXACTLY_ONE(fields=sources))
        check_text("template", self.template or "", maximum=limits.MAX_PROMPT_CHARS)  # also the names in it
        names = () if self.template is None else template_variables(self.template)
        for name in dict.fromkeys((*names, *self.variables)):
            if name not in self.variables:
                raise ValidationFailed.for_field(f"variables.{name}", ProblemCode.VARIABLE_MISSING())
            if name not in names:
                raise ValidationFailed.for_field(f"variables.{name}", ProblemCode.VARIABLE_UNUSED())
            if not self.variables[name]:
                raise ValidationFailed.for_field(f"variables.{name}", ProblemCode.EMPTY())
        if not self.targets:
            raise ValidationFailed.for_field("targets", ProblemCode.EMPTY())
        if len(self.targets) > 1 and any(item.target for item in self.items):
            raise ValidationFailed.for_field("targets", ProblemCode.TOO_MANY_ITEMS(maximum=1))
        if self.size > limits.MAX_BATCH_TASKS:
            count = min(self.size, 10**15)  # a number of thousands of digits cannot be shown
            reason = ProblemCode.TOO_MANY_TASKS(count=count, maximum=limits.MAX_BATCH_TASKS)
            raise ValidationFailed.for_field("body", reason)

    @property
    def size(self) -> int:
        """How many tasks it makes."""
        combinations = 0 if self.template is None else prod(map(len, self.variables.values()))
        return (len(self.prompts) + len(self.items) + combinations) * len(self.targets)

    def field(self, number: int) -> str:
        """Return the field of the body that an item's prompt comes from."""
        if self.template is not None:
            return "template"
        return f"{'prompts' if self.prompts else 'items'}.{number // len(self.targets)}"

    def submission(self, number: int) -> Submission:
        """Return the request of an item, from 0 to `size`."""
        line, place = divmod(number, len(self.targets))
        item = self.items[line] if self.items else BatchItem(prompt=self._prompt(line))
        target = item.target or self.targets[place]
        return Submission(
            prompt=item.prompt,
            params={**self.params, **item.params},
            provider_name=target.provider_name,
            model_id=target.model_id,
            fallback=self.fallback,
        )

    def named(self, names: Mapping[Target, Target]) -> "BatchPlan":
        """Return the plan with each target by its name, whatever the defaults will be later."""
        items = (attrs.evolve(item, target=item.target and names[item.target]) for item in self.items)
        targets = (names.get(target, target) for target in self.targets)
        return attrs.evolve(self, items=tuple(items), targets=tuple(targets))

    def _prompt(self, line: int) -> str:
        if self.template is None:
            return self.prompts[line]
        values = {}
        for name in reversed(template_variables(self.template)):
            line, index = divmod(line, len(self.variables[name]))
            values[name] = self.variables[name][index]
        return filled(self.template, values)


# ---------------------------------------------------------------- the batch


class BatchStatus(StrEnum):
    """Status of a batch; one that is ``completed`` runs again when its failed tasks are retried."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


BatchMode = Literal["now", "vendor"]
"""How its tasks are made: as ordinary ones, or in batch jobs of the provider."""

OnFailure = Literal["continue", "stop"]
"""What a batch does when one of its tasks has failed."""

PauseReason = Literal["max_cost", "failure", "person"]
"""Why a batch is paused."""

BatchVerb = Literal["pause", "resume", "cancel", "retry_failed"]
"""What callers do to a batch; one that has ended takes no verb but the last, one that is cancelled none."""

_NO_TIME = datetime.fromtimestamp(0, UTC)


@attrs.frozen(kw_only=True)
class Batch:
    """A batch without its plan; id, size, estimate and time come when it is created.

    Args:
        size: how many tasks it makes.
        submitted: how many of its items are tasks; the next item has this number.
        retried_until: failed tasks up to this number in the store are made again, each once.
        concurrency: how many of its tasks wait or run at once.
        max_cost: what all of its tasks may cost together, by their quotes and what was charged.
        idempotency_key: its caller's, kept as long as the batch, and the ``body_digest`` of the request.
        estimate: what its items cost by their quotes, by currency.
        detail: what cannot be submitted, where it is paused for that.
        completed_at: when the last of its tasks ended; None while one may still run.
        counts: of its tasks by status; of one that was made again, only the last counts.
        costs: what its ended tasks cost, or may have cost, by currency.
    """

    batch_id: str = ""
    name: str = ""
    mode: BatchMode = "now"
    size: int = 0
    submitted: int = 0
    retried_until: int = 0
    concurrency: int = limits.DEFAULT_BATCH_CONCURRENCY
    on_failure: OnFailure = "continue"
    max_cost: Cost | None = None
    idempotency_key: str | None = None
    body_digest: str | None = None
    estimate: tuple[Cost, ...] = ()
    status: BatchStatus = BatchStatus.RUNNING
    reason: PauseReason | None = None
    detail: Message | None = None
    created_at: datetime = _NO_TIME
    completed_at: datetime | None = None
    counts: Mapping[TaskStatus, int] = attrs.field(factory=dict)
    costs: tuple[Cost, ...] = ()

    @property
    def open(self) -> int:
        """How many of its tasks wait or run."""
        return sum(self.counts.get(status, 0) for status in TaskStatus if not status.final)

    def check(self) -> None:
        """Refuse a name, number or ceiling that no batch can have."""
        check_name("name", self.name, minimum=0, maximum=limits.MAX_BATCH_NAME_CHARS)
        bounds = {"minimum": 1, "maximum": limits.MAX_BATCH_CONCURRENCY}
        ValidationFailed.check_range("concurrency", self.concurrency, **bounds)
        if self.max_cost is not None:
            amount = self.max_cost.amount or 0
            if not is_currency(self.max_cost.currency or ""):
                raise ValidationFailed.for_field("max_cost.currency", ProblemCode.NOT_A_CURRENCY())
            if amount <= 0:
                raise ValidationFailed.for_field("max_cost.amount", ProblemCode.NOT_ABOVE(limit=0))
            ValidationFailed.check_range("max_cost.amount", float(amount), maximum=limits.MAX_BATCH_COST)


def ceiling_problem(quotes: tuple[Cost, ...], ceiling: Cost | None) -> Message | None:
    """Return why a ceiling cannot be kept with a task of these costs; None if it can."""
    for quote in quotes if ceiling else ():
        if quote.ticks is None or quote.currency is None:
            return ProblemCode.PRICE_UNKNOWN()
        if ceiling and quote.currency != ceiling.currency:
            return ProblemCode.OTHER_CURRENCY(currency=quote.currency)
    return None
