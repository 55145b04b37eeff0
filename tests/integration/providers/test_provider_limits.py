"""What a provider would refuse is refused before anything is queued, once below, at and above each limit.

Each refused request is also sent under the same document without its limits: the strict fake, which knows the
provider's rules and not our document, refuses it and charges nothing. Requests that follow from a document's
numbers are made from them; those that need more than one number are written here.
"""

from collections.abc import Iterator
from functools import cache, partial

import attrs
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.common.calls import load_yaml
from imagegen_adapters.providers.document import reading
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, Refusal
from imagegen_core.models import check_request, choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import INPUTS, image_file, input_image, request_for, run_call
from tests.fakes import job_upstreams, relays, simple_upstreams
from tests.fakes.dashscope import FakeDashScope
from tests.fakes.http_server import HttpServer
from tests.fakes.kling import FakeKling
from tests.fakes.modelscope import FakeModelScope
from tests.fakes.openai_images import FakeOpenAI
from tests.fakes.tokenhub import FakeTokenHub
from tests.fakes.xai import FakeXai
from tests.integration.providers.declared_limits import declared_limits
from tests.integration.providers.declared_requests import TIERS, exchange_for, tries_of

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]
UPSTREAMS = (
    FakeOpenAI,
    FakeXai,
    job_upstreams.FakeBfl,
    simple_upstreams.FakeIdeogram,
    simple_upstreams.FakeRecraft,
    simple_upstreams.FakeArk,
    FakeDashScope,
    FakeKling,
    FakeModelScope,
    simple_upstreams.FakeHuaweiMaas,
    simple_upstreams.FakeQianfan,
    FakeTokenHub,
    job_upstreams.FakeZhipu,
    job_upstreams.FakeFal,
    job_upstreams.FakeReplicate,
    relays.FakeOpenRouter,
    simple_upstreams.FakeMiniMax,
    simple_upstreams.FakeSiliconFlow,
)
IMAGES = {
    **INPUTS,
    "large": image_file(size=(300, 300)),
    "small": image_file(size=(299, 303)),  # as many pixels, but one side is too short
    "webp": image_file(),
    "tall": image_file(size=(300, 750)),
    "wide": image_file(size=(750, 300)),
    "too tall": image_file(size=(300, 751)),
    "too wide": image_file(size=(751, 300)),
}
KEPT = {
    ("openai", "limits.refs_max"): "the provider takes 16, and the core never more than 14",
    ("openrouter", "limits.refs_max"): "nobody says how many, and the core never more than 14",
    ("qianfan", "limits.refs_max"): "its field is for one",
    ("kling-v3", "limits.refs_max"): "its field is for one",
    ("recraft", "limits.refs_max"): "its field is for one",
    ("ideogram", "limits.ref_mimes"): "a GIF goes to nobody whose document does not name it",
    ("siliconflow", "limits.refs_max"): "it has three fields, of one image each",
    ("dashscope", "limits.prompt_chars"): "the provider cuts a longer prompt and makes another image",
    ("z-image-turbo", "limits.n_max"): "it makes one a call, and no number is sent",
}
"""What is refused here and cannot be refused by the provider, by its document or model, and why."""


@attrs.frozen(kw_only=True)
class Limit:
    """Requests on both sides of one limit of one model.

    ``is_kept`` says that the provider cannot refuse what is refused here, as `KEPT` explains.
    """

    preset: str
    model: str
    accepted: tuple[ImageRequest, ...]
    refused: tuple[ImageRequest, ...]
    name: str = ""
    is_kept: bool = False

    def __str__(self) -> str:
        return "-".join(filter(None, (self.preset, self.model, self.name)))


@cache
def models_of(preset: str) -> list[dict]:
    """Return the models of a shipped document as plain values."""
    return load_yaml(reading.PRESETS.joinpath(f"{preset}.yaml").read_text("utf-8"))["models"]


def limits_of_documents() -> Iterator[Limit]:
    """Yield the limits whose requests follow from what the documents declare."""
    for preset in (upstream.preset for upstream in UPSTREAMS):
        for model in models_of(preset):
            for tries in tries_of(model):
                yield Limit(
                    preset=preset,
                    model=model["id"],
                    accepted=tries.accepted,
                    refused=tries.refused,
                    name=tries.name,
                    is_kept=any((owner, tries.name) in KEPT for owner in (preset, model["id"])),
                )


def sized(*sizes: str) -> tuple[ImageRequest, ...]:
    return tuple(request_for(Operation.GENERATE, size=size) for size in sizes)


def with_params(**params) -> tuple[ImageRequest, ...]:
    return (request_for(Operation.GENERATE, **params),)


def prompted(*lengths: int) -> tuple[ImageRequest, ...]:
    request = request_for(Operation.GENERATE)
    return tuple(attrs.evolve(request, prompt="猫" * length) for length in lengths)


def referring(*counts: int, key: str = "reference") -> tuple[ImageRequest, ...]:
    reference = input_image(key, IMAGES[key])
    request = request_for(Operation.REFERENCE)
    return tuple(attrs.evolve(request, references=(reference,) * count) for count in counts)


def referring_to(*keys: str, **params) -> tuple[ImageRequest, ...]:
    """Return a request for each image as the only reference."""
    request = request_for(Operation.REFERENCE, **params)
    references = (attrs.evolve(input_image(key, IMAGES[key]), mime_type=_mime_type(key)) for key in keys)
    return tuple(attrs.evolve(request, references=(reference,)) for reference in references)


def _mime_type(key: str) -> str:
    """Return the type that an image says it has."""
    return "image/webp" if key == "webp" else "image/png"


def referring_sized(*sizes: str) -> tuple[ImageRequest, ...]:
    return tuple(request for size in sizes for request in referring_to("reference", size=size))


def counted(*counts: int) -> tuple[ImageRequest, ...]:
    return tuple(request_for(Operation.GENERATE, num=count) for count in counts)


def openai(model: str, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> Limit:
    return Limit(preset="openai", model=model, accepted=accepted, refused=refused)


def xai(model: str, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> Limit:
    return Limit(preset="xai", model=f"grok-imagine-image{model}", accepted=accepted, refused=refused)


def bfl(model: str, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> Limit:
    return Limit(preset="bfl", model=model, accepted=accepted, refused=refused)


def ideogram_limits() -> Iterator[Limit]:
    for model in ("ideogram-4-5", "ideogram-4-6"):
        limit = partial(Limit, preset="ideogram", model=model)
        yield limit(accepted=prompted(9999, 10_000), refused=prompted(10_001))
        yield limit(accepted=referring(4, 5), refused=referring(6))
        yield limit(accepted=with_params(quality="high"), refused=with_params(quality="very_low"))
        yield limit(accepted=sized("1024x1024", "2048x2048", "auto"), refused=())
    newest = partial(Limit, preset="ideogram", model="ideogram-4-6")
    yield newest(accepted=sized("4096x4064", "4096x4096"), refused=sized("4128x4096"))
    yield newest(accepted=sized("8192x2048", "8160x2048"), refused=sized("8224x2016"))
    yield newest(accepted=sized("1536x256", "256x1536"), refused=sized("1568x256", "256x1568"))


def recraft_limits() -> Iterator[Limit]:
    vectors = ("recraftv4_1_vector", "recraftv4_vector", "recraftv4_pro_vector")
    for model in ("recraftv4_1", "recraftv4_1_pro", "recraftv4", "recraftv4_pro", *vectors):
        limit = partial(Limit, preset="recraft", model=model)
        yield limit(accepted=prompted(9999, 10_000), refused=prompted(10_001))
        yield limit(accepted=counted(5, 6), refused=counted(7))
        yield limit(accepted=sized("1024x1024", "3000x1500", "16x16"), refused=())
    yield Limit(
        preset="recraft", model="recraftv4_1", accepted=referring(1), refused=referring(2), is_kept=True
    )
    old = partial(Limit, preset="recraft", model="recraftv3")
    yield old(accepted=prompted(999, 1000), refused=prompted(1001))
    yield old(accepted=counted(5, 6), refused=counted(7))
    yield old(accepted=sized("256x256", "2048x2048"), refused=sized("255x256", "2049x2048"))


def filling(tolerance: int) -> tuple[ImageRequest, ...]:
    return (request_for(Operation.EDIT, safety_tolerance=tolerance),)


def ark(model: str, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> Limit:
    return Limit(preset="ark", model=f"doubao-seedream-{model}", accepted=accepted, refused=refused)


def tokenhub(model: str, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> Limit:
    return Limit(preset="tokenhub", model=model, accepted=accepted, refused=refused)


def dashscope(model: str, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> Limit:
    return Limit(preset="dashscope", model=model, accepted=accepted, refused=refused)


def dashscope_limits() -> Iterator[Limit]:
    for model in ("qwen-image-3.0", "qwen-image-3.0-pro", "qwen-image-2.1-pro"):
        yield dashscope(model, sized("512x512", "513x512"), sized("511x512"))
        yield dashscope(model, sized("2048x2047", "2048x2048", "2720x1536"), sized("2049x2048"))
        yield dashscope(model, sized("1600x201", "1600x200"), sized("1608x200"))
        yield dashscope(model, counted(5, 6), counted(7))
        seeds = with_params(seed=0) + with_params(seed=2**31 - 1)
        yield dashscope(model, seeds, with_params(seed=2**31))
    for model in ("qwen-image-3.0", "qwen-image-3.0-pro"):
        yield dashscope(model, referring(2, 3), referring(4))
        yield dashscope(model, with_params(negative_prompt="fog"), ())
    yield dashscope("qwen-image-2.1-pro", referring(9, 10), referring(11))
    yield dashscope("qwen-image-2.1-pro", (), with_params(negative_prompt="fog"))
    for model in ("qwen-image-2.0", "qwen-image-2.0-pro"):
        yield dashscope(model, sized("512x512", "513x512"), sized("511x512"))
        yield dashscope(model, sized("2048x2047", "2048x2048"), sized("2049x2048"))
        yield dashscope(model, counted(5, 6), counted(7))
        yield dashscope(model, referring(2, 3), referring(4))
    for model in ("qwen-image-max", "z-image-turbo"):
        yield dashscope(model, sized("512x512", "513x512"), sized("511x512"))
        yield dashscope(model, sized("2048x2047", "2048x2048"), sized("2049x2048"))
    yield dashscope("qwen-image-max", counted(1), counted(2))
    for model in ("qwen-image-plus", "qwen-image"):
        yield dashscope(model, sized("1472x1104", "1328x1328"), ())
        yield dashscope(model, counted(1), counted(2))
    yield dashscope("wan2.7-image", sized("2048x2047", "2048x2048"), sized("2049x2048"))
    yield dashscope("wan2.7-image", sized("1K", "2K"), sized("3K", "4K"))
    yield dashscope("wan2.7-image-pro", sized("4096x4095", "4096x4096"), sized("4097x4096"))
    yield dashscope("wan2.7-image-pro", sized("1K", "2K", "4K"), sized("3K"))
    yield dashscope("wan2.7-image-pro", referring_sized("768x768", "769x768"), referring_sized("767x768"))
    for model in ("wan2.7-image-pro", "wan2.7-image"):
        yield dashscope(model, sized("768x768", "769x768"), sized("767x768"))
        yield dashscope(model, sized("2400x301", "2400x300"), sized("2408x300"))
        yield dashscope(model, referring_sized("2048x2047", "2048x2048"), referring_sized("2049x2048"))
        yield dashscope(model, referring_sized("1K", "2K"), referring_sized("4K"))
        yield dashscope(model, counted(3, 4), counted(5))
        yield dashscope(model, referring(8, 9), referring(10))
        yield dashscope(model, with_params(thinking_mode=True), with_params(negative_prompt="fog"))
    for model in ("wan2.6-t2i", "wan2.5-t2i-preview"):
        yield dashscope(model, sized("768x768", "769x768"), sized("767x768"))
        yield dashscope(model, sized("1440x1439", "1440x1440", "1696x960"), sized("1441x1440"))
        yield dashscope(model, sized("1600x401", "1600x400"), sized("1608x400"))
        yield dashscope(model, counted(3, 4), counted(5))


def kling_limits() -> Iterator[Limit]:
    for model, references in (
        ("kling-v3", 1),
        ("kling-v2-1", 0),
        ("kling-image-o1", 10),
        ("kling-v3-omni", 10),
    ):
        limit = partial(Limit, preset="kling", model=model)
        yield limit(accepted=prompted(2499, 2500), refused=prompted(2501))
        yield limit(accepted=counted(8, 9), refused=counted(10))
        beyond = "8k" if model == "kling-v3-omni" else "4k"
        yield limit(accepted=with_params(resolution="2k"), refused=with_params(resolution=beyond))
        yield limit(accepted=with_params(aspect_ratio="21:9"), refused=())
        if references:
            yield limit(accepted=referring(references, key="large"), refused=referring_to("small"))
            yield limit(accepted=referring_to("tall", "wide"), refused=referring_to("too tall", "too wide"))
        if references > 1:  # a single one is a field, which cannot hold two
            yield limit(accepted=(), refused=referring(references + 1, key="large"))


def modelscope_limits() -> Iterator[Limit]:
    longest = {
        "Qwen/Qwen-Image": 1664,
        "Tongyi-MAI/Z-Image-Turbo": 2048,
        "black-forest-labs/FLUX.1-Krea-dev": 1024,
        "MAILAND/majicflus_v1": 1024,
    }
    for model, side in longest.items():
        limit = partial(Limit, preset="modelscope", model=model)
        yield limit(accepted=prompted(1998, 1999), refused=prompted(2000))
        yield limit(accepted=sized("64x64", "65x64"), refused=sized("63x64"))
        yield limit(accepted=sized(f"{side - 1}x64", f"{side}x{side}"), refused=sized(f"{side + 1}x64"))
        seeds = with_params(seed=0) + with_params(seed=2**31 - 1)
        yield limit(accepted=seeds, refused=with_params(seed=2**31))
        steps = with_params(steps=1) + with_params(steps=100)
        yield limit(accepted=steps, refused=with_params(steps=0) + with_params(steps=101))
        guidance = with_params(cfg_scale=1.5) + with_params(cfg_scale=20.0)
        yield limit(accepted=guidance, refused=with_params(cfg_scale=1.4) + with_params(cfg_scale=20.1))


def qianfan_limits() -> Iterator[Limit]:
    longest = {"qwen-image": None, "irag-1.0": 220, "flux.1-schnell": 512}
    for model, prompt in longest.items():
        limit = partial(Limit, preset="qianfan", model=model)
        yield limit(accepted=sized("512x512", "513x512"), refused=sized("511x512"))
        yield limit(accepted=sized("2048x2047", "2048x2048"), refused=sized("2049x2048"))
        yield limit(accepted=counted(3, 4), refused=counted(5))
        if prompt is not None:
            yield limit(accepted=prompted(prompt - 1, prompt), refused=prompted(prompt + 1))
    air = partial(Limit, preset="qianfan", model="musesteamer-air-image")
    yield air(accepted=sized("1152x864", "864x1152", "512x512") + with_params(seed=7), refused=())
    irag = partial(Limit, preset="qianfan", model="irag-1.0")
    yield irag(accepted=referring(1), refused=with_params(steps=20) + with_params(cfg_scale=5.0))


def zhipu_limits() -> Iterator[Limit]:
    glm = partial(Limit, preset="zhipu", model="glm-image")
    yield glm(accepted=sized("1024x1024", "1040x1024", "1056x1024"), refused=sized("992x1024"))
    yield glm(accepted=sized("2048x2016", "2048x2048"), refused=sized("2080x1024", "2080x2048"))
    yield glm(accepted=with_params(quality="hd"), refused=with_params(quality="standard"))
    qualities = with_params(quality="hd") + with_params(quality="standard")
    for model, accepted, refused in (
        ("cogview-4-250304", qualities, with_params(quality="low")),
        ("cogview-3-flash", (), qualities),
    ):
        limit = partial(Limit, preset="zhipu", model=model)
        yield limit(accepted=sized("512x512", "520x512", "528x512"), refused=sized("496x512"))
        yield limit(accepted=sized("2032x512", "2048x512"), refused=sized("2064x512"))
        yield limit(accepted=sized("2048x1008", "2048x1024"), refused=sized("2048x1040"))
        yield limit(accepted=accepted, refused=refused)


def minimax_limits() -> Iterator[Limit]:
    image = partial(Limit, preset="minimax", model="image-01")
    yield image(accepted=sized("512x512", "520x512"), refused=sized("504x512"))
    yield image(accepted=sized("2040x2048", "2048x2048"), refused=sized("2056x2048"))
    yield image(accepted=(), refused=with_params(style="水彩"))
    live = partial(Limit, preset="minimax", model="image-01-live")
    yield live(accepted=with_params(style="水彩"), refused=with_params(style="油画"))
    for limit in (image, live):
        yield limit(accepted=prompted(1499, 1500), refused=prompted(1501))
        yield limit(accepted=counted(8, 9), refused=counted(10))
        yield limit(accepted=referring(1), refused=referring(2) + referring_to("webp"))


def siliconflow_limits() -> Iterator[Limit]:
    for model in (
        "Qwen/Qwen-Image",
        "Qwen/Qwen-Image-Edit",
        "Qwen/Qwen-Image-Edit-2509",
        "Kwai-Kolors/Kolors",
    ):
        limit = partial(Limit, preset="siliconflow", model=model)
        ask = with_params if "Edit" not in model else editing
        seeds = ask(seed=0) + ask(seed=9_999_999_999)
        yield limit(accepted=seeds, refused=ask(seed=10_000_000_000))
        yield limit(accepted=ask(steps=1) + ask(steps=100), refused=ask(steps=0) + ask(steps=101))
        least = 0.0 if "Kolors" in model else 0.1
        yield limit(accepted=ask(cfg_scale=least) + ask(cfg_scale=20.0), refused=ask(cfg_scale=20.1))
        if "Kolors" not in model:
            yield limit(accepted=(), refused=ask(cfg_scale=0.05))


def editing(**params) -> tuple[ImageRequest, ...]:
    return (request_for(Operation.EDIT, **params),)


def other_limits() -> Iterator[Limit]:
    dev = partial(Limit, preset="fal", model="fal-ai/flux/dev")
    yield dev(accepted=counted(3, 4), refused=counted(5))
    pro = partial(Limit, preset="fal", model="fal-ai/flux-2-pro")
    yield pro(accepted=counted(1), refused=counted(2))
    for limit in (dev, pro):
        yield limit(accepted=sized("64x64", "65x2047", "2048x2048"), refused=sized("63x64", "2049x64"))
        yield limit(accepted=with_params(output_format="png"), refused=with_params(output_format="webp"))
    flux = partial(Limit, preset="replicate", model="black-forest-labs/flux-2-pro")
    levels = with_params(safety_tolerance=1) + with_params(safety_tolerance=5)
    yield flux(accepted=levels, refused=with_params(safety_tolerance=0) + with_params(safety_tolerance=6))
    qualities = with_params(output_quality=0) + with_params(output_quality=100)
    yield flux(accepted=qualities, refused=with_params(output_quality=101))
    yield flux(accepted=with_params(output_format="webp"), refused=with_params(output_format="jpeg"))
    gpt = partial(Limit, preset="openrouter", model="openai/gpt-image-2")
    yield gpt(accepted=counted(9, 10), refused=())
    yield gpt(accepted=with_params(quality="high"), refused=with_params(quality="xhigh"))
    yield gpt(accepted=with_params(background="opaque"), refused=with_params(background="transparent"))
    compressions = with_params(output_compression=0) + with_params(output_compression=100)
    yield gpt(accepted=compressions, refused=with_params(output_compression=101))


huawei = partial(Limit, preset="huawei-maas", model="qwen-image")
LIMITS = (
    *limits_of_documents(),
    huawei(accepted=sized("512x512", "520x512"), refused=sized("504x512")),
    huawei(accepted=sized("2048x2040", "2048x2048", "2304x1728"), refused=sized("2056x2048")),
    huawei(accepted=with_params(seed=0) + with_params(seed=2**31), refused=with_params(seed=2**31 + 1)),
    *dashscope_limits(),
    *minimax_limits(),
    *siliconflow_limits(),
    *other_limits(),
    *ideogram_limits(),
    *recraft_limits(),
    *kling_limits(),
    *modelscope_limits(),
    *qianfan_limits(),
    *(
        limit
        for model in (
            "gpt-image-2",
            *(f"gpt-image-{version}-{name}" for version in ("2.5", "2.6") for name in ("flare", "sunburst")),
        )
        for limit in (
            openai(model, sized("1024x640", "1024x656", "auto"), sized("1008x640", "512x512")),
            openai(model, sized("3840x2160", "3840x2144"), sized("3840x2176", "3856x1600")),
            openai(model, sized("3072x1024", "1024x3072", "3056x1024"), sized("3088x1024", "1024x3088")),
        )
    ),
    openai("gpt-image-2", with_params(background="opaque"), with_params(background="transparent")),
    openai("gpt-image-2", with_params(quality="high"), with_params(quality="xhigh")),
    openai("gpt-image-2.6-flare", with_params(background="transparent"), ()),
    openai("gpt-image-2.5-sunburst", with_params(quality="max"), with_params(complexity="low")),
    *(
        openai(
            model,
            with_params(background="transparent", output_format="webp"),
            with_params(background="transparent", output_format="jpeg"),
        )
        for model in ("gpt-image-2.6-sunburst", "gpt-image-2.5-flare")
    ),
    *(
        limit
        for model in ("", "-quality")
        for limit in (
            xai(model, sized("1k", "2k"), sized("1.5K", "3K", "4K")),
            xai(model, referring(1, 2, 3), referring(4)),
            xai(model, with_params(aspect_ratio="20:9"), with_params(aspect_ratio="5:2")),
        )
    ),
    xai("-2.0", sized("1k", "1.5k", "2k"), sized("3K", "4K")),
    xai("-2.0", referring(1, 4, 5), referring(6)),
    xai("-2.0", with_params(aspect_ratio="21:9") + with_params(aspect_ratio="5:2"), ()),
    xai("-2.0", with_params(quality="auto") + with_params(quality="low"), with_params(quality="high")),
    *(
        limit
        for model in ("flux-2-pro", "flux-2-max", "flux-2-flex")
        for limit in (
            bfl(model, sized("64x64", "80x64"), sized("48x64")),
            bfl(model, sized("2048x2048", "2048x2032"), sized("2048x2064")),
            bfl(model, referring(7, 8), referring(9)),
            bfl(model, with_params(safety_tolerance=6), with_params(safety_tolerance=7)),
        )
    ),
    *(
        limit
        for model in ("flux-2-klein-9b", "flux-2-klein-4b")
        for limit in (
            bfl(model, sized("64x64", "2048x2048"), sized("48x64", "2048x2064")),
            bfl(model, referring(3, 4), referring(5)),
        )
    ),
    bfl("flux-kontext-pro", referring(3, 4), referring(5)),
    bfl("flux-pro-1.0-fill", filling(6), filling(7)),
    bfl("flux-3-image", sized("768sq", "1k", "1.5k", "2k", "4k"), sized("3K")),
    bfl("flux-3-image-klein", sized("1k", "2k", "4k"), sized("3K")),
    *(
        limit
        for model in ("flux-3-image", "flux-3-image-klein")
        for limit in (
            bfl(model, referring(9, 10, key="large"), referring(11, key="large")),
            bfl(model, prompted(14_999, 15_000), prompted(15_001)),
            bfl(model, with_params(safety_tolerance=4), with_params(safety_tolerance=5)),
        )
    ),
    *zhipu_limits(),
    ark("4-5-251128", sized("2560x1440", "1440x2560", "2561x1440"), sized("2559x1440", "1024x1024")),
    ark("4-5-251128", sized("4096x4096", "4096x4095", "6240x2656"), sized("4097x4096")),
    ark("4-5-251128", sized("7696x481"), sized("7696x480")),
    ark("4-5-251128", sized("2K", "4K"), sized("1K", "3K")),
    ark("4-5-251128", referring(13, 14), ()),
    ark("4-5-251128", (), with_params(output_format="png")),
    *(
        limit
        for lite in ("5-0-260128", "5-0-lite-260128")
        for limit in (
            ark(lite, sized("2560x1440", "2561x1440"), sized("2559x1440")),
            ark(lite, sized("2547x4085"), sized("3132x3322")),
            ark(lite, sized("2K", "3K"), sized("1K", "4K")),
            ark(lite, referring(13, 14), ()),
            ark(lite, with_params(output_format="png"), ()),
        )
    ),
    *(
        limit
        for model in ("5-0-pro-260628", "5-0-flash-260915", "5-5-261028")
        for limit in (
            ark(model, sized("1280x720", "1281x720"), sized("1279x720")),
            ark(model, sized("2829x1634", "2830x1634"), sized("2831x1634")),
            ark(model, sized("1K", "1.5K", "2K"), sized("3K", "4K")),
            ark(model, referring(9, 10), referring(11)),
            ark(model, with_params(output_format="jpeg"), ()),
        )
    ),
    ark(
        "5-5-261028",
        with_params(background="transparent", output_format="png") + with_params(background="transparent"),
        with_params(background="transparent", output_format="jpeg"),
    ),
    ark("5-0-pro-260628", (), with_params(background="transparent")),
    *(
        limit
        for model in ("4-0-250828", "4-0-20260415")
        for limit in (
            ark(model, sized("1280x720", "1281x720"), sized("1279x720")),
            ark(model, sized("4096x4096", "4096x4095"), sized("4097x4096")),
            ark(model, sized("1K", "2K", "4K"), sized("3K")),
            ark(model, referring(13, 14), ()),
        )
    ),
    tokenhub("hy-image-v3", prompted(8191, 8192), prompted(8193)),
    tokenhub("hy-image-v3", sized("1024x1023", "1024x1024"), sized("1024x1025")),
    tokenhub("hy-image-v3", sized("512x512", "513x512"), sized("511x512")),
    tokenhub("hy-image-v3", sized("2047x512", "2048x512"), sized("2049x512")),
    tokenhub("hy-image-v3", referring(2, 3), referring(4)),
    tokenhub("hy-image-v3", with_params(seed=1) + with_params(seed=2**32 - 1), with_params(seed=2**32)),
    tokenhub("hy-image-v3", with_params(aspect_ratio="16:9") + with_params(aspect_ratio="2:3"), ()),
    tokenhub("hy-image-v3.5-preview", sized("256x256", "257x256"), sized("255x256")),
    tokenhub("hy-image-v3.5-preview", sized("8191x2048", "8192x2048"), sized("8193x256")),
    tokenhub("hy-image-v3.5-preview", sized("4096x4095", "4096x4096"), sized("4096x4097")),
    tokenhub("hy-image-v3.5-preview", referring(1, 14), ()),
    *(
        tokenhub(model, sized("1024x640", "5000x4000", "auto"), sized("1023x640", "5001x4000"))
        for model in ("minimax-image-h3", "minimax-image-h3-highspeed")
    ),
    tokenhub("seedream-image-v5.0-pro", prompted(599, 600), prompted(601)),
    tokenhub("seedream-image-v5.0-pro", sized("1280x720", "1281x720"), sized("1279x720")),
    tokenhub("seedream-image-v5.0-pro", sized("2829x1634", "2830x1634"), sized("2831x1634")),
    tokenhub("seedream-image-v5.0-pro", sized("1K", "1.5K", "2K"), sized("3K", "4K")),
    tokenhub("seedream-image-v5.0-pro", referring(9, 10), referring(11)),
    tokenhub("seedream-image-v5.0-lite", prompted(599, 600), prompted(601)),
    tokenhub("seedream-image-v5.0-lite", sized("2560x1440", "2561x1440"), sized("2559x1440")),
    tokenhub("seedream-image-v5.0-lite", sized("4096x4095", "4096x4096"), sized("4096x4097")),
    tokenhub("seedream-image-v5.0-lite", sized("2K", "3K", "4K"), sized("1K", "1.5K")),
    tokenhub("seedream-image-v5.0-lite", referring(13, 14), ()),
)


@pytest.fixture
async def server(limit, anyio_backend):
    fake = next(upstream for upstream in UPSTREAMS if upstream.preset == limit.preset)()
    async with HttpServer(fake) as running:
        yield running
    assert [] == running.complaints


@pytest.fixture
async def provider(server, anyio_backend):
    outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}"])
    yield HttpProvider(outbound=outbound, clock=ManualClock())
    await outbound.aclose()


def call_of(provider, server, limit, request, extra, *, checked=True) -> ProviderCall:
    """Return the call of a request, which passes the checks before the queue."""
    config = ProviderConfig(
        provider_name="p",
        source=ConfigSource.DATABASE,
        kind="http",
        api_base=f"{server.url}{server.fake.base}",
        api_key=Secret.parse(server.fake.key),
        extra_config=extra,
    )
    model = choose_model(provider.describe(config).models, limit.model)
    if checked:
        check_request(request, model)
    parts = provider.split(request, model, config)
    return ProviderCall(call_id="call-1", request=parts[0], model=model, config=config)


@cache
def without_limits(preset: str) -> dict:
    """Return a shipped document whose models accept whatever the service itself does."""
    text = reading.PRESETS.joinpath(f"{preset}.yaml").read_text("utf-8")
    document = load_yaml(text)
    specs = {name: spec for model in document["models"] for name, spec in model.get("params", {}).items()}
    for model in document["models"]:
        separator, default = (model.get("size", {}).get(name) for name in ("separator", "default"))
        model["limits"] = {}
        model["size_for"] = {}
        model["refuses"], model["excludes"] = [], []
        model["size"] = {"kind": "wxh", "separator": separator or "x", "extra": list(TIERS)}
        model["size"] |= {} if default is None else {"default": default}
        model["params"] = {name: {"type": spec.get("type", "string")} for name, spec in specs.items()}
    return document


@pytest.mark.parametrize("limit", [limit for limit in LIMITS if limit.accepted], ids=str)
async def test_at_and_within_a_limit_images_are_made(limit, provider, server):
    """The provider accepts it, and it is one charge."""
    for request in limit.accepted:
        server.fake.ledger.clear()
        call = call_of(provider, server, limit, request, {"preset": limit.preset})

        result = await run_call(provider, call, exchange_for(request, IMAGES))

        assert result.images
        assert 1 == len(server.fake.ledger)


@pytest.mark.parametrize("limit", [limit for limit in LIMITS if limit.refused], ids=str)
async def test_beyond_a_limit_nothing_is_sent(limit, provider, server):
    """It is refused with the field, and the provider would have refused it as well."""
    free = without_limits(limit.preset)
    for request in limit.refused:
        with pytest.raises(Refusal):
            call_of(provider, server, limit, request, {"preset": limit.preset})
        assert [] == server.requests
        if limit.is_kept:
            continue
        call = call_of(provider, server, limit, request, {"spec": free}, checked=False)

        with pytest.raises(CallError) as caught:
            await run_call(provider, call, exchange_for(request, IMAGES))

        assert FailureCode.REJECTED == caught.value.failure.code
        assert [] == server.fake.ledger
        server.requests.clear()


async def test_every_model_with_limits_is_tried():
    """A model that is added to one of these documents gets its limits tried here."""
    shipped = {(v.preset, m.id) for v in UPSTREAMS for m in reading.load_preset(v.preset).models}

    assert shipped == {(limit.preset, limit.model) for limit in LIMITS}


@pytest.mark.parametrize("preset", [upstream.preset for upstream in UPSTREAMS])
async def test_every_declared_limit_is_tried(preset):
    """A limit that is added to a document gets requests at it and beyond it here."""
    untried = [
        f"{model['id']}: {declared.name}"
        for model in models_of(preset)
        for tried in [[x for x in LIMITS if (x.preset, x.model) == (preset, model["id"])]]
        for declared in declared_limits(model)
        if not declared.is_tried(
            tuple(request for limit in tried for request in limit.accepted),
            tuple(request for limit in tried for request in limit.refused),
        )
    ]

    assert [] == untried
