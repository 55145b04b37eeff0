"""The table of operations, and a request for images as every provider reads it.

Routes, bodies and their limits, OpenAPI, the command line and all checks read `OPERATIONS`. Providers say
which models can do an operation.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.messages import ProblemCode
from imagegen_core.values import frozen_mapping

__path__: list[str] = []  # whoever imports what was here is told what moved
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
        return OPERATIONS[self]


@attrs.frozen(kw_only=True)
class OwnParameter:
    """A parameter of one operation, beside ``params`` in its body.

    Every model of the operation takes the ``implied`` value, declared or not. If ``recorded``, the HTTP API
    writes it into a task whose caller left it out.
    """

    name: str
    implied: str | None = None
    recorded: bool = False


@attrs.frozen(kw_only=True)
class OperationRules:
    """One row of `OPERATIONS`.

    Attributes:
        path: of the HTTP route; its last part names the route.
        tag: the route's group in the OpenAPI document.
        openai_path: the endpoint of OpenAI's Images API that may mean the operation.
        prompt_field: where the body has the prompt.
        max_references: most reference images; if above 0, one is required.
        takes_image: whether it works on one image, which is required.
        takes_mask: whether a mask may choose a part of that image.
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
        """If so, a body may be as large as an upload."""
        return self.takes_image or self.max_references > 0

    @property
    def body_parameters(self) -> tuple[str, ...]:
        return self.beside if self.own is None else (*self.beside, self.own.name)

    def implies(self, name: str, value: object) -> bool:
        """Return whether a model takes this value without declaring it."""
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
    try:
        return tuple(dict.fromkeys(Operation(name) for name in names))
    except ValueError as error:
        choices = tuple(sorted(str(operation) for operation in Operation))
        raise ValidationFailed.for_field(field, ProblemCode.NOT_ONE_OF(choices=choices)) from error


@attrs.frozen(kw_only=True)
class InputImage:
    """A caller's image, checked and spooled under ``key``.

    ``image_id``: the caller named a stored image; it is spooled only until the task ends.
    """

    key: str
    mime_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str
    image_id: int | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Folder and name in the spool."""
        owner, _, name = self.key.partition("/")
        return owner, name


class InputRole(StrEnum):
    """What an input image is there for."""

    REFERENCE = "reference"
    IMAGE = "image"
    MASK = "mask"


NamedInputs = tuple[tuple[str, InputImage], ...]  # input images by their fields in the API
_SIZE = re.compile(r"(\d{1,6})\s*[xX*×]\s*(\d{1,6})")


def dimensions_of(params: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = params.get("width"), params.get("height")
    if width is not None and height is not None:
        return int(width), int(height)
    return parse_size(params.get("size"))


def parse_size(size: object) -> tuple[int, int] | None:
    """Return (width, height) of ``"1024x768"``; None for anything else, such as ``"2K"`` or ``"auto"``."""
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    return (int(match[1]), int(match[2])) if match else None


RANDOM_SEED = -1  # most providers read it as "a random one"


@attrs.frozen(kw_only=True)
class ImageRequest:
    """One request for images.

    ``params`` have canonical names only (``num``, never ``n``). In ``mask``, white or transparent is
    repainted, black is kept.
    """

    operation: Operation
    prompt: str = ""
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    references: tuple[InputImage, ...] = ()
    image: InputImage | None = None
    mask: InputImage | None = None

    @property
    def named_inputs(self) -> NamedInputs:
        """All input images: references, then image, then mask."""
        references = ((f"reference_images.{index}", image) for index, image in enumerate(self.references))
        single = (("image", self.image), ("mask", self.mask))
        return (*references, *((name, image) for name, image in single if image is not None))

    @property
    def inputs(self) -> tuple[InputImage, ...]:
        return tuple(image for _, image in self.named_inputs)

    @property
    def sent_inputs(self) -> tuple[str, ...]:
        """Names in the spool of the images that the caller sent; the others are stored images."""
        return tuple(image.place[1] for image in self.inputs if image.image_id is None)

    @property
    def inputs_with_roles(self) -> tuple[tuple[InputRole, InputImage], ...]:
        return tuple(
            (InputRole(name) if name in tuple(InputRole) else InputRole.REFERENCE, image)
            for name, image in self.named_inputs
        )

    @property
    def num(self) -> int:
        return int(self.params.get("num", 1))

    @property
    def seed(self) -> int | None:
        """None for a random one."""
        value = self.params.get("seed")
        return None if value is None else int(value)

    @property
    def negative_prompt(self) -> str | None:
        return self.params.get("negative_prompt")

    @property
    def edit_mode(self) -> str:
        return str(self.params.get("edit_mode", DEFAULT_EDIT_MODE))

    @property
    def upscale_factor(self) -> str:
        """One of `UPSCALE_FACTORS`."""
        return str(self.params.get("upscale_factor", DEFAULT_UPSCALE_FACTOR))

    @property
    def dimensions(self) -> tuple[int, int] | None:
        return dimensions_of(self.params)

    def with_params(self, **changes: Any) -> "ImageRequest":
        """Return the request with some parameters replaced; None removes one."""
        params = {k: v for k, v in {**self.params, **changes}.items() if v is not None}
        return attrs.evolve(self, params=params)

    def split(self) -> tuple["ImageRequest", ...]:
        """Return one request an image, for providers without a native count; seeds count up."""
        if self.num == 1:
            return (self,)
        seed = None if self.seed == RANDOM_SEED else self.seed
        return tuple(
            self.with_params(num=1, seed=None if seed is None else seed + part) for part in range(self.num)
        )
