"""Takes the screenshots of the console in README and docs, from a service of its own with the demo provider.

Run it as ``./run browser --version && .venv/bin/python tools/console_screenshots.py``; Debian's chromium and
chromium-driver must be installed, and fonts-noto-cjk. It writes ``docs/images/console-*.webp``, and every
page in both languages and themes to ``docs/images/console/``.
"""

import asyncio
import contextlib
import io
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FOLDER = Path(__file__).parent.parent / "docs" / "images"
QUALITY = 82  # of WebP
MAX_BYTES = 90_000
ATLAS = "console"
ATLAS_WIDTH = 720  # pixels; a phone's are as they are
_MOUSE = ("primaryHoverType=2", "availableHoverTypes=2", "primaryPointerType=4", "availablePointerTypes=4")
START_SECONDS = 60
SETTLE_SECONDS = 2.5  # until images are decoded and nothing moves

PROMPTS = (
    ("雨夜街头的一只橘猫，水彩", "16:9"),
    ("雪山日出，薄雾，长曝光", "3:2"),
    ("海边的灯塔，暴风雨前", "2:3"),
    ("竹林里的小屋，水墨", "1:1"),
    ("a lighthouse at dusk, oil on canvas", "16:9"),
    ("宇航员骑马，胶片颗粒", "4:3"),
    ("城市夜景，霓虹，俯视", "21:9"),
    ("窗台上的多肉植物，清晨的光", "3:4"),
    ("金鱼，工笔画", "1:1"),
    ("秋天的银杏大道", "3:2"),
    ("a fox in the snow", "4:3"),
    ("沙漠里的一棵树，星空", "16:9"),
    ("江南水乡，乌篷船", "3:2"),
    ("热气球，日落", "2:3"),
)
_PRESS = """
[...document.querySelectorAll("button")].find((each) => each.textContent.trim() === arguments[0]).click();
"""
BATCH = {
    "name": "搪瓷杯",
    "template": "一只{颜色}的搪瓷杯，放在{场景}",
    "variables": {"颜色": ["红色", "蓝色", "白色"], "场景": ["木桌上", "雪地里"]},
    "targets": [{"provider": "demo"}],
}
DRAFT = "雨夜街头的一只橘猫，水彩，霓虹倒影在湿漉漉的石板路上"


@attrs.frozen(kw_only=True)
class Shot:
    """One screenshot: a page as somebody looks at it."""

    name: str
    path: str
    language: str = "zh"
    theme: str = "light"
    size: tuple[int, int] = (1280, 800)
    width: int | None = None
    press: str = ""

    @property
    def keeps(self) -> dict[str, str]:
        """What the browser has kept from earlier visits."""
        return {"imagegen.theme": self.theme, "imagegen.language": self.language}


SHOTS = (
    Shot(name="create-zh", path="/"),
    Shot(name="create-en", path="/", language="en"),
    Shot(name="gallery-zh", path="/gallery", theme="dark"),
    Shot(name="gallery-en", path="/gallery", theme="dark", language="en"),
    Shot(name="phone-zh", path="/", size=(390, 780)),
    Shot(name="phone-en", path="/", size=(390, 780), language="en"),
)

PAGES = {
    "create": "/",
    "gallery": "/gallery",
    "trash": "/gallery",
    "picture": "/p/3",
    "editor": "/p/3/edit",
    "tasks": "/tasks",
    "batches": "/batches",
    "providers": "/providers",
    "usage": "/usage",
    "settings": "/settings",
}
_PRESSES = {("trash", "zh"): "回收站", ("trash", "en"): "Trash"}
"""The button that shows what has no address of its own."""
_LOOKS = tuple(itertools.product(("zh", "en"), ("light", "dark")))
PHONE_PAGES = ("create", "gallery", "picture", "tasks")


def atlas() -> Iterator[Shot]:
    """Yield every page in both languages and themes; those that are used on the way on a phone, too."""
    for page, (language, theme) in itertools.product(PAGES, _LOOKS):
        look: dict[str, Any] = {"path": PAGES[page], "language": language, "theme": theme}
        look["press"] = _PRESSES.get((page, language), "")
        yield Shot(name=f"{page}-{language}-{theme}", **look, width=ATLAS_WIDTH)
        if page in PHONE_PAGES:
            yield Shot(name=f"{page}-phone-{language}-{theme}", **look, size=(390, 780))


def main() -> None:
    """Take all screenshots; end with an error when one is too large for a README."""
    (FOLDER / ATLAS).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder)) as url, _browser() as driver:
        asyncio.run(_fill(url))
        files = {f"console-{shot.name}.webp": shot for shot in SHOTS}
        files |= {f"{ATLAS}/{shot.name}.webp": shot for shot in atlas()}
        for name, shot in files.items():
            content = _take(driver, url, shot)
            if len(content) > MAX_BYTES:
                sys.exit(f"{name}: {len(content)} bytes, more than {MAX_BYTES}")
            (FOLDER / name).write_bytes(content)
            print(f"{name}: {len(content)} bytes")


@contextlib.contextmanager
def _service(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEGEN_")}
    command = [str(Path(sys.executable).with_name("imagegen")), "serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
    try:
        _await(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _await(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health/ready").is_success:
                return
        time.sleep(0.2)
    sys.exit("the service did not start")


async def _fill(url: str) -> None:
    """Have images, favourites, and a task that runs while the screenshots are taken."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as api:
        for prompt, ratio in PROMPTS:
            params = {"prompt": prompt, "aspect_ratio": ratio, "image_size": "1K"}
            await _post(api, "/api/v1/tasks/generate", {"params": params}, Prefer="wait=30")
        await _post(api, "/api/v1/images/batch", {"ids": [1, 4, 6], "action": "favourite"})
        await _post(api, "/api/v1/images/batch", {"ids": [2, 9], "action": "trash"})
        await _post(api, "/api/v1/batches", BATCH)
        running = {"prompt": DRAFT, "delay_seconds": 60, "progress_steps": 100}
        await _post(api, "/api/v1/tasks/generate", {"params": running})


async def _post(api: httpx.AsyncClient, path: str, body: dict[str, Any], **headers: str) -> None:
    (await api.post(path, json=body, headers=headers)).raise_for_status()


@contextlib.contextmanager
def _browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--blink-settings={','.join(_MOUSE)}",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


def _take(driver: webdriver.Chrome, url: str, shot: Shot) -> bytes:
    width, height = shot.size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < height}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(f"{url}/health/live")
    for name, value in shot.keeps.items():
        driver.execute_script("localStorage.setItem(...arguments)", name, value)
    driver.get(url + shot.path)
    time.sleep(SETTLE_SECONDS)
    if shot.press:
        driver.execute_script(_PRESS, shot.press)
        time.sleep(SETTLE_SECONDS)
    image = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    if shot.width is not None:
        image.thumbnail((shot.width, shot.width), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, "WEBP", quality=QUALITY, method=6)
    return content.getvalue()


if __name__ == "__main__":
    main()
