"""What the page about the ways says of an image's bytes is what happens: they are traced to the disk."""

import base64
import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imagegen_core import TaskStatus
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_http.service import compose
from imagegen_http.settings.schema import SecuritySettings, Settings
from tests.fakes.loopback import Answer, Loopback
from tests.value_trace import ValueTrace, base64_forms
from tests.ways import is_imported, ways

TEXT = "a text that is traced"
PORTS = "src/imagegen_core/ports/"
ONLY_PASS_ON = {"src/imagegen_adapters/providers/document/results.py"}
"""It has a stream of the bytes in hand, and looks at none of them."""

SPEC = {
    "schema": 1,
    "id": "traced",
    "auth": {"type": "none"},
    "operations": {
        "generate": {
            "request": {"path": "/make", "body": {"type": "json", "template": {"prompt": "${prompt}"}}},
            "response": {"images": [{"select": "images[]", "base64": "b64"}]},
        }
    },
}


def _image():
    """Return a PNG of 200 KB in which the text that is traced is everywhere."""
    out, details = io.BytesIO(), PngInfo()
    details.add_text("Comment", TEXT * 10_000)
    Image.new("RGB", (16, 16)).save(out, "PNG", pnginfo=details)
    return out.getvalue()


async def _trace_of(image, data_dir):
    """Trace an image until its file has its name, which is when the stored file is inspected."""
    forms = (TEXT.encode(), *base64_forms(TEXT.encode()))
    trace = ValueTrace(*forms, until="Storing._inspect")
    answer = Answer.json({"images": [{"b64": base64.b64encode(image).decode()}]})
    with Loopback(lambda _: answer) as upstream, trace.tracing_threads():
        provider = ProviderConfig(
            provider_name="traced",
            kind="http",
            api_base=upstream.url,
            source=ConfigSource.FILE,
            extra_config={"spec": SPEC},
        )
        settings = Settings(
            data_dir=data_dir,
            security=SecuritySettings(allow_private_upstreams=(upstream.host,)),
            providers={"traced": provider},
        )
        async with compose(settings, environ={}) as service:
            with trace:
                task = await service.imagegen.submit("a cat", provider="traced")
                task = await service.imagegen.wait(task.task_id, timeout=60)
    assert TaskStatus.COMPLETED is task.status
    return trace


async def test_the_way_of_an_image_is_as_the_page_says(tmp_path):
    """Every listed file has its bytes, or is the port of one that has, or passes a stream of them on."""
    listed = set(ways()["image"])
    trace = await _trace_of(_image(), tmp_path / "data")

    ports = {file for file in listed if file.startswith(PORTS) and is_imported(file, trace.files)}
    assert sorted(listed - ONLY_PASS_ON) == sorted(trace.files | ports)
