"""What the demo model takes, and what an image is made from; known without Pillow, which makes it."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.errors import FailureCode, ValidationFailed
from imagegen_core.forms import KNOWN_FIELDS, FormField, Group, Label, framed
from imagegen_core.messages import MessageCode
from imagegen_core.models import Parameter, common
from imagegen_core.operations import UPSCALE_FACTORS, Operation
from imagegen_core.problems import ProblemCode
from imagegen_core.requests import ImageRequest, parse_size

FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}
"""The kinds of files, by Pillow's names."""

MAX_SIDE_PIXELS = 2048
"""The longest side of a drawn image."""

MAX_UPSCALED_SIDE_PIXELS = 4096
"""The longest side of an upscaled image."""

_DEFAULT_SIDE_PIXELS = 512
_SIZE_PIXELS: Mapping[str, int] = MappingProxyType({"512": 512, "1K": 1024, "2K": 2048})
_RATIOS = ("1:1", "3:2", "2:3", "4:3", "3:4", "5:4", "4:5", "16:9", "9:16", "21:9")

_NOT_STARTED = frozenset({FailureCode.RATE_LIMITED, FailureCode.UNAVAILABLE})

_FAILURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        FailureCode.REJECTED: ("被拒绝", "Rejected"),
        FailureCode.CONTENT_POLICY: ("违反内容政策", "Content policy"),
        FailureCode.AUTH_FAILED: ("密钥无效", "Wrong key"),
        FailureCode.QUOTA_EXHAUSTED: ("额度用完", "Quota exhausted"),
        FailureCode.RATE_LIMITED: ("过于频繁", "Rate limit"),
        FailureCode.UNAVAILABLE: ("连接不上", "No connection"),
        FailureCode.TIMEOUT: ("超时", "Timeout"),
        FailureCode.OUTCOME_UNKNOWN: ("结果未知", "Outcome unknown"),
        FailureCode.BAD_RESPONSE: ("答复无法读取", "Unreadable response"),
        FailureCode.DOWNLOAD_FAILED: ("下载失败", "Download failed"),
        FailureCode.INVALID_IMAGE: ("图片无效", "Invalid image"),
        FailureCode.RESULT_EXPIRED: ("结果已过期", "Result expired"),
    }
)
"""The failures that a call to a provider can end in, by name."""


def _trial(
    name: str,
    label: tuple[str, str],
    description: tuple[str, str],
    form: Mapping[str, Any] = MappingProxyType({}),
    **rules: Any,
) -> Parameter:
    field = FormField.labelled(*label, Group.TRIAL, description=description, **form)
    return Parameter(name=name, form_field=field, **rules)


_SIDE: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_SIDE_PIXELS}
_NO_EFFECT = Label(zh="接受，但不起作用", en="taken, without effect")

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(name="width", default=_DEFAULT_SIDE_PIXELS, **_SIDE),
    Parameter(name="height", default=_DEFAULT_SIDE_PIXELS, **_SIDE),
    *common("num", "size"),
    Parameter(name="aspect_ratio", enum=_RATIOS),
    Parameter(name="image_size", enum=tuple(_SIZE_PIXELS)),
    *common("seed", "edit_mode", "mode", "upscale_factor"),
    *(
        attrs.evolve(parameter, form_field=attrs.evolve(parameter.form_field, description=_NO_EFFECT))
        for parameter in common("negative_prompt", "steps", "cfg_scale")
    ),
    Parameter(name="format", enum=tuple(FORMATS), default="png", form_field=KNOWN_FIELDS["output_format"]),
    _trial(
        "delay_seconds",
        ("延迟", "Delay"),
        ("调用用时，像慢的服务商那样", "how long the call takes, as a slow provider's would"),
        {"unit": Label(zh="秒", en="s")},
        type="number",
        minimum=0,
        maximum=600,
        default=0,
    ),
    _trial(
        "progress_steps",
        ("进度次数", "Progress reports"),
        ("延迟期间报告进度的次数", "how often progress is reported during the delay"),
        type="integer",
        minimum=0,
        maximum=100,
        default=0,
    ),
    _trial(
        "as_job",
        ("异步任务", "As a job"),
        ("先受理，再完成", "accept a job first, then finish it"),
        type="boolean",
        default=False,
    ),
    _trial(
        "refuse",
        ("拒绝", "Refuse"),
        ("像违反内容政策那样结束", "end as a breach of the content policy"),
        type="boolean",
        default=False,
    ),
    _trial(
        "fail",
        ("失败", "Fail"),
        (
            "以该错误结束；过于频繁和连接不上视为从未开始",
            "end with this error; a rate limit and no connection as calls that were never started",
        ),
        {"choices": _FAILURES},
        enum=tuple(str(code) for code in _FAILURES),
    ),
)
"""All parameters of the demo model."""


@attrs.frozen(kw_only=True)
class Options:
    """The parsed parameters of one call."""

    size: tuple[int, int]
    format: str
    upscale_factor: int
    delay_seconds: float
    progress_steps: int
    as_job: bool
    failure: FailureCode | None

    @classmethod
    def from_request(cls, request: ImageRequest) -> "Options":
        """Parse the request's parameters; a size that cannot be drawn is refused."""
        params = request.params
        factor = UPSCALE_FACTORS[request.upscale_factor]
        _check_enlargement(request, factor)
        failure = FailureCode(params["fail"]) if params.get("fail") else None  # type: ignore[call-arg]  # by value
        return cls(
            size=_size(params),
            format=params.get("format", "png"),
            upscale_factor=factor,
            delay_seconds=float(params.get("delay_seconds", 0)),
            progress_steps=int(params.get("progress_steps", 0)),
            as_job=bool(params.get("as_job", False)),
            failure=FailureCode.CONTENT_POLICY if params.get("refuse") else failure,
        )

    @property
    def never_starts(self) -> bool:
        """Whether the call is to end as one that the provider did not start."""
        return self.failure in _NOT_STARTED


def _size(params: Mapping[str, Any]) -> tuple[int, int]:
    size = params.get("size")
    dimensions = parse_size(size)
    if size not in (None, "", "auto") and dimensions is None:
        raise ValidationFailed.for_field("params.size", ProblemCode.NOT_A_SIZE(choices=("auto",)))
    if dimensions is None:
        width, height = _shape(params)
        return int(params.get("width", width)), int(params.get("height", height))
    if not all(1 <= side <= MAX_SIDE_PIXELS for side in dimensions):
        raise ValidationFailed.for_field(
            "params.size", ProblemCode.SIDES_OUT_OF_RANGE(minimum=1, maximum=MAX_SIDE_PIXELS)
        )
    return dimensions


def _shape(params: Mapping[str, Any]) -> tuple[int, int]:
    """Return the size for the requested ratio: the longer side is ``image_size``, or the area 512×512."""
    ratio_width, ratio_height = map(int, str(params.get("aspect_ratio", "1:1")).split(":"))
    base = _SIZE_PIXELS.get(str(params.get("image_size")))
    scale = (
        _DEFAULT_SIDE_PIXELS / math.sqrt(ratio_width * ratio_height)
        if base is None
        else base / max(ratio_width, ratio_height)
    )
    return round(ratio_width * scale), round(ratio_height * scale)


def _check_enlargement(request: ImageRequest, factor: int) -> None:
    if request.operation is not Operation.UPSCALE or request.image is None:
        return
    width, height = request.image.width * factor, request.image.height * factor
    if max(width, height) > MAX_UPSCALED_SIDE_PIXELS:
        field = "params.upscale_factor" if "upscale_factor" in request.params else "image"
        reason = DemoCode.UPSCALED_TOO_LARGE(
            factor=factor, width=width, height=height, maximum=MAX_UPSCALED_SIDE_PIXELS
        )
        raise ValidationFailed.for_field(field, reason)


FORM = ("size", "num", "format", "seed", "delay_seconds", "fail")
SIZES = framed(_RATIOS, _SIZE_PIXELS, dimensions=_shape)
"""What a form shows of the demo model, and the sizes that it offers."""


@attrs.frozen(kw_only=True)
class Work:
    """Everything that an image is made from; ``references``, ``image`` and ``mask`` are files."""

    operation: Operation
    prompt: str
    seed: int
    size: tuple[int, int]
    upscale_factor: int = 2
    references: tuple[bytes, ...] = ()
    image: bytes = b""
    mask: bytes | None = None


class DemoCode(MessageCode, words="imagegen_adapters"):
    """Rules and failures of the demo provider."""
