"""What a caller can ask for: the table of operations.

An operation is a member of `Operation` and its row in `OPERATIONS`. Routes and their bodies, body limits, the
OpenAPI document, the command line and all checks read the row; whether a model can do it, providers know.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.messages import ProblemCode

OPENAI_GENERATIONS = "/v1/images/generations"
OPENAI_EDITS = "/v1/images/edits"
DEFAULT_EDIT_MODE = "EDIT_MODE_INPAINT_INSERTION"
DEFAULT_UPSCALE_FACTOR = "x2"
UPSCALE_FACTORS: Mapping[str, int] = MappingProxyType({DEFAULT_UPSCALE_FACTOR: 2, "x4": 4})


class Operation(StrEnum):
    """What a caller can ask for."""

    GENERATE = "generate"
    REFERENCE = "reference"
    EDIT = "edit"
    UPSCALE = "upscale"
    RECONTEXT = "recontext"
    SEGMENT = "segment"

    @property
    def rules(self) -> "OperationRules":
        """The operation's row in `OPERATIONS`."""
        return OPERATIONS[self]


@attrs.frozen(kw_only=True)
class OwnParameter:
    """A parameter that belongs to one operation and stands beside ``params`` in its body.

    ``implied`` goes without saying: a model that does the operation takes this value, declared or not. If it
    is ``recorded``, the HTTP API writes it into a task whose caller left the parameter out.
    """

    name: str
    implied: str | None = None
    recorded: bool = False


@attrs.frozen(kw_only=True)
class OperationRules:
    """One row of `OPERATIONS`.

    Attributes:
        path: where the HTTP API takes the operation; its last part names the route.
        tag: the group of the route in the OpenAPI document.
        description: what the OpenAPI document says of the route.
        openai_path: the endpoint of OpenAI's Images API that may mean the operation.
        needs_prompt: whether it makes no sense without a prompt.
        prompt_field: where the body has the prompt.
        max_references: most reference images; where there may be any, there must be one.
        takes_image: whether it works on one image, which must be there.
        takes_mask: whether a mask may say which part of that image.
        own: the parameter that no other operation has.
        beside: common parameters that the body takes beside ``params``, too.
    """

    path: str
    tag: str = "operations"
    description: str
    openai_path: str | None = None
    needs_prompt: bool = True
    prompt_field: str = "prompt"
    max_references: int = 0
    takes_image: bool = False
    takes_mask: bool = False
    own: OwnParameter | None = None
    beside: tuple[str, ...] = ()

    @property
    def has_input_images(self) -> bool:
        """Whether images come along, so that a body may be as large as an upload."""
        return self.takes_image or self.max_references > 0

    @property
    def body_parameters(self) -> tuple[str, ...]:
        """The parameters that the body takes beside ``params``, too."""
        return self.beside if self.own is None else (*self.beside, self.own.name)

    def implies(self, name: str, value: object) -> bool:
        """Return whether the parameter's value goes without saying."""
        return self.own is not None and (name, value) == (self.own.name, self.own.implied)


OPERATIONS: Mapping[Operation, OperationRules] = MappingProxyType(
    {
        Operation.GENERATE: OperationRules(
            path="/api/v1/tasks/generate",
            tag="tasks",
            description="Make images from a prompt.",
            openai_path=OPENAI_GENERATIONS,
            prompt_field="params.prompt",
        ),
        Operation.REFERENCE: OperationRules(
            path="/api/v1/images/generate-with-references",
            description=f"Make images from a prompt and 1 to {MAX_REFERENCES} reference images.",
            openai_path=OPENAI_EDITS,
            max_references=MAX_REFERENCES,
            beside=("image_size", "aspect_ratio"),
        ),
        Operation.EDIT: OperationRules(
            path="/api/v1/images/edit",
            description="Repaint an image, or the part of it that a mask shows.",
            openai_path=OPENAI_EDITS,
            takes_image=True,
            takes_mask=True,
            own=OwnParameter(name="edit_mode", implied=DEFAULT_EDIT_MODE),
        ),
        Operation.UPSCALE: OperationRules(
            path="/api/v1/images/upscale",
            description="Make an image two or four times as large.",
            needs_prompt=False,
            takes_image=True,
            own=OwnParameter(name="upscale_factor", implied=DEFAULT_UPSCALE_FACTOR, recorded=True),
        ),
        Operation.RECONTEXT: OperationRules(
            path="/api/v1/images/recontext",
            description="Put what an image shows into another scene.",
            takes_image=True,
        ),
        Operation.SEGMENT: OperationRules(
            path="/api/v1/images/segment",
            description="Mark what an image shows.",
            needs_prompt=False,
            takes_image=True,
            own=OwnParameter(name="mode"),
        ),
    }
)


def parse_operations(names: Iterable[str], field: str) -> tuple[Operation, ...]:
    """Return the operations with these names, each once."""
    try:
        return tuple(dict.fromkeys(Operation(name) for name in names))
    except ValueError as error:
        choices = tuple(sorted(str(operation) for operation in Operation))
        raise ValidationFailed.for_field(field, ProblemCode.NOT_ONE_OF(choices=choices)) from error
