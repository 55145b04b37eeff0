"""A tab of the browser: what it looks like, what it asks for, and what goes wrong in it."""

import contextlib
import json
import time
from urllib.parse import urlsplit

import attrs
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)

WAIT_SECONDS = 60
"""What only a broken page takes, however busy the machine."""

POLL_SECONDS, MAX_POLL_SECONDS = 0.02, 0.1
"""The first pause and the longest one: a look takes milliseconds of a processor that the page needs, too."""

DESKTOP, PHONE, NARROW = (1280, 900), (390, 844), (320, 640)
CHINESE, ENGLISH = "zh-CN,zh;q=0.9", "en-GB,en;q=0.9"
_FAVICON = "/favicon.ico - "
"""Asked for by the browser itself where something is shown that is no page, such as JSON."""

_NETWORK_SCHEMES = ("http", "https", "ws", "wss")


@attrs.frozen(kw_only=True)
class Look:
    """How somebody looks at a page: with which languages, colours, motion, and on which screen.

    With ``forces_colours`` the system chooses all colours but those of pictures.
    """

    language: str = CHINESE
    theme: str = "light"
    size: tuple[int, int] = DESKTOP
    has_touch: bool = False
    reduces_motion: bool = False
    forces_colours: bool = False
    density: float = 1

    def __str__(self):
        return f"{self.language[:2]} {self.theme} {self.size[0]}"


LOOKS = tuple(
    Look(language=language, theme=theme, size=size, has_touch=size == PHONE)
    for language, theme, size in (
        (CHINESE, "light", DESKTOP),
        (CHINESE, "dark", PHONE),
        (ENGLISH, "light", PHONE),
        (ENGLISH, "dark", DESKTOP),
    )
)
"""Those that every page is to be right in: each language, theme and screen meets each of the others."""


@attrs.define(kw_only=True)
class Exchange:
    """A request with what became of it; ``sent_at`` is in seconds of the browser's own clock.

    ``size`` counts the bytes on the wire, head included; ``body_size`` those of the body, as it was sent.
    """

    url: str
    method: str
    kind: str
    sent_at: float
    status: int | None = None
    encoding: str = ""
    is_cached: bool = False
    size: int = 0
    body_size: int = 0
    failure: str = ""

    @property
    def path(self):
        return urlsplit(self.url).path

    @property
    def has_ended(self):
        return bool(self.size or self.failure or self.is_cached)


class Tab:
    """The one tab of a driver; `reset` forgets what an earlier test did in it."""

    def __init__(self, driver):
        self.driver = driver
        self.origins = set()
        self._exchanges = {}
        self._console = []
        self._allowed = []

    def reset(self):
        """Show nothing, as a new profile would."""
        if self.driver.current_url != "about:blank":
            self.driver.get("about:blank")
        # A full history drops entries that no real press of a key or button led to, so a script's clicks.
        for command in (
            "Page.resetNavigationHistory",
            "Network.clearBrowserCookies",
            "Network.clearBrowserCache",
        ):
            self.cdp(command)
        for origin in self.origins:
            self.cdp("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        self.look(Look(reduces_motion=True))  # a bar that moves takes a quarter of a processor
        self.connect()
        self.read()
        self.origins.clear()
        self._exchanges.clear()
        self._console.clear()
        self._allowed.clear()

    def cdp(self, command, **parameters):
        """Send a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def look(self, look):
        """Look at pages like this from now on; what is shown already keeps its language."""
        width, height = look.size
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=look.density,
            mobile=look.has_touch,
        )
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=look.has_touch)
        motion = "reduce" if look.reduces_motion else "no-preference"
        forced = "active" if look.forces_colours else "none"
        features = {
            "prefers-color-scheme": look.theme,
            "prefers-reduced-motion": motion,
            "forced-colors": forced,
        }
        self.cdp(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )
        agent = self.driver.execute_script("return navigator.userAgent")
        self.cdp("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=look.language)

    def connect(self, *, online=True, kilobytes_per_second=None, latency_ms=0):
        """Have such a line from now on."""
        speed = -1 if kilobytes_per_second is None else kilobytes_per_second * 1024
        self.cdp(
            "Network.emulateNetworkConditions",
            offline=not online,
            latency=latency_ms,
            downloadThroughput=speed,
            uploadThroughput=speed,
        )

    def open(self, url):
        """Go to a page, and wait until its scripts have taken the place of what its document shows."""
        self.driver.get(url)
        self.arrive()

    def refresh(self):
        """Load the page again."""
        self.driver.refresh()
        self.arrive()

    def arrive(self):
        self.until(lambda: not self.driver.execute_script("return document.querySelector('.early')"))

    def paste(self, field, text):
        """Write into a field: its first character by a key, and the rest at once.

        A key takes 30 ms of a processor, and most of a long text says nothing about keys.
        """
        field.send_keys(text[0])
        self.cdp("Input.insertText", text=text[1:])

    def until(self, true):
        """Return the first result that is true; fail if there is none."""
        end, pause = time.monotonic() + WAIT_SECONDS, POLL_SECONDS
        while True:
            with contextlib.suppress(NoSuchElementException, StaleElementReferenceException):
                if result := true():
                    return result
            if time.monotonic() > end:
                raise TimeoutException(f"not true within {WAIT_SECONDS} s")
            time.sleep(pause)
            pause = min(pause * 1.5, MAX_POLL_SECONDS)

    def exchanges(self):
        """Return all requests since the test began, in their order."""
        self.read()
        return list(self._exchanges.values())

    @contextlib.contextmanager
    def recording(self):
        """Yield a list that has the requests of the context after its end."""
        before, recorded = len(self.exchanges()), []
        yield recorded
        recorded += self.exchanges()[before:]

    def allow(self, text):
        """Let an error pass whose line in the console has this text: the test provokes it."""
        self._allowed.append(text)

    def wrong(self):
        """Return what no page may do: errors in the console, and requests to other origins.

        What the Content-Security-Policy stops is in the console, too.
        """
        exchanges = self.exchanges()
        errors = [line for line in self._console if not any(text in line for text in self._allowed)]
        foreign = [e.url for e in exchanges if e.failure != "csp" and _is_foreign(e.url, self.origins)]
        return errors + [f"asked for {url}" for url in foreign]

    def read(self):
        """Read what the browser has noted since the last time."""
        notes = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        for note in notes:
            self._note(note["method"], note["params"])
        entries = self.driver.get_log("browser")
        errors = [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
        self._console += [error for error in errors if _FAVICON not in error]

    def _note(self, method, parameters):
        key = parameters.get("requestId")
        if method == "Network.requestWillBeSent":
            request = parameters["request"]
            if key in self._exchanges and "redirectResponse" in parameters:
                earlier = self._exchanges[f"{key} {len(self._exchanges)}"] = self._exchanges.pop(key)
                earlier.status = parameters["redirectResponse"]["status"]
                earlier.size = int(parameters["redirectResponse"]["encodedDataLength"])
            self._exchanges[key] = Exchange(
                url=request["url"],
                method=request["method"],
                kind=parameters.get("type", ""),
                sent_at=parameters["timestamp"],
            )
        elif key in self._exchanges:
            self._note_answer(self._exchanges[key], method, parameters)

    def _note_answer(self, exchange, method, parameters):
        match method:
            case "Network.responseReceived":
                response = parameters["response"]
                headers = {name.lower(): value for name, value in response["headers"].items()}
                exchange.status = response["status"]
                exchange.encoding = headers.get("content-encoding", "")
                exchange.body_size = int(headers.get("content-length", 0))
                exchange.is_cached = exchange.is_cached or response.get("fromDiskCache", False)
            case "Network.requestServedFromCache":
                exchange.is_cached = True
            case "Network.loadingFinished":
                exchange.size = int(parameters["encodedDataLength"])
            case "Network.loadingFailed":
                exchange.failure = parameters.get("blockedReason") or parameters["errorText"]


def _is_foreign(url, origins):
    parts = urlsplit(url)
    return parts.scheme in _NETWORK_SCHEMES and f"{parts.scheme}://{parts.netloc}" not in origins
