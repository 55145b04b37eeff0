"""One HTTP request and its body."""

from collections.abc import Mapping
from enum import StrEnum

import attrs

from imagegen_adapters.providers.http.templates import Template


class BodyType(StrEnum):
    """The encoding of a body."""

    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    NONE = "none"


@attrs.frozen(kw_only=True)
class BodySpec:
    """A request's body. ``extras`` is the dotted path inside it for undeclared parameters."""

    type: BodyType = BodyType.JSON
    template: Template | None = None
    force_multipart: bool = False
    extras: str = ""


@attrs.frozen(kw_only=True)
class RequestSpec:
    """One HTTP request: a ``path`` below the base URL, or a whole ``url`` from an earlier response."""

    method: str = "POST"
    path: Template | None = None
    url: Template | None = None
    query: Mapping[str, Template] = attrs.field(factory=dict)
    headers: Mapping[str, Template] = attrs.field(factory=dict)
    body: BodySpec = BodySpec(type=BodyType.NONE)

    @property
    def templates(self) -> tuple[Template, ...]:
        """All templates of the request."""
        single = (self.path, self.url, self.body.template)
        return (*(t for t in single if t is not None), *self.query.values(), *self.headers.values())
