"""How a response is read: its images, and what it says that they cost."""

from collections.abc import Mapping

import attrs

from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.schema.errors import ErrorPaths
from imagegen_core.providers.prices import TokenKind


@attrs.frozen(kw_only=True)
class RawSpec:
    """The whole body is one image if its type matches; ``meta_headers`` become metadata."""

    content_types: tuple[str, ...] = ("image/*",)
    meta_headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ImageRule:
    """One way to find images; the first rule that selects anything counts."""

    select: Expression
    url: Expression | None = None
    base64: Expression | None = None
    data_uri: Expression | None = None
    auto: Expression | None = None
    url_template: str | None = None
    send_auth: bool = False
    mime: Expression | None = None
    width: Expression | None = None
    height: Expression | None = None
    seed: Expression | None = None
    revised_prompt: Expression | None = None
    zip: Mapping[str, Expression] = attrs.field(factory=dict)
    blocked_if: Expression | None = None
    item_error: ErrorPaths | None = None


@attrs.frozen(kw_only=True)
class UsageSpec:
    """Where a response says what the call was charged for.

    ``amount`` counts units that are worth ``unit`` of ``currency``, such as credits; ``tokens`` are by kind.
    """

    amount: Expression | None = None
    currency: str | None = None
    unit: float = 1.0
    tokens: Mapping[TokenKind, Expression] = attrs.field(factory=dict)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """All expressions of it."""
        return (*(() if self.amount is None else (self.amount,)), *self.tokens.values())


@attrs.frozen(kw_only=True)
class ResponseSpec:
    """How images are found in a response, and what it says that they cost."""

    images: tuple[ImageRule, ...] = ()
    raw: RawSpec | None = None
    fail_if: Expression | None = None
    blocked_if: Expression | None = None
    meta: Mapping[str, Expression] = attrs.field(factory=dict)
    usage: UsageSpec | None = None
