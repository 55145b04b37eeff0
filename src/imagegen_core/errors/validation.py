"""What is wrong with the fields of a request or of a configuration."""

from collections.abc import Mapping

import attrs

from imagegen_core.errors.refusals import Refusal
from imagegen_core.messages import Message
from imagegen_core.problems.fields import Problem, range_problem
from imagegen_core.problems.refusals import RefusalCode

MAX_PROBLEMS = 50


class ValidationFailed(Refusal):
    """Wrong type, out of range, unknown field: `problems` names each of them, as far as anybody reads on."""

    slug = "validation_failed"

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems[:MAX_PROBLEMS]
        listed = tuple(RefusalCode.PROBLEM(field=p.field, reason=p.reason) for p in self.problems)
        super().__init__(RefusalCode.PROBLEMS(problems=listed))

    @classmethod
    def for_field(cls, field: str, reason: Message) -> "ValidationFailed":
        """Return the refusal with a single problem."""
        return cls(Problem(field=field, reason=reason))

    def with_fields(self, names: Mapping[str, str]) -> "ValidationFailed":
        """Return the refusal with other names for some of its fields, as its caller knows them."""
        renamed = (attrs.evolve(p, field=names.get(p.field, p.field)) for p in self.problems)
        return ValidationFailed(*renamed)

    @classmethod
    def check_range(
        cls, field: str, number: float, *, minimum: float | None = None, maximum: float | None = None
    ) -> None:
        """Raise the refusal of a number that is out of its bounds, which are inclusive."""
        if reason := range_problem(number, minimum=minimum, maximum=maximum):
            raise cls.for_field(field, reason)


class ProviderEnded(ValidationFailed):
    """What a configuration uses is there no longer, such as an API; nothing else is wrong with it."""
