"""Random faults: each is a context manager, drawn by a seed, that begins and ends the fault."""

import contextlib
import os
import random
import signal
import time

import attrs
import httpx

from tests.processes import family
from tests.soak.stage import CALM, SYNC, Stage

OSS_FAULTS = (
    "unavailable",
    "reset",
    "swallow",
    "truncate",
    "stall",
    "wrong_crc",
    "corrupt",
    "shorten",
    "delay",
    "html",
)
MOODS = (
    {"fault": "500"},
    {"fault": "reset"},
    {"fault": "cut"},
    {"limited": 4},
    {"hold": True},
    {"seconds": 3.0},
    {"broken": True},
    {"expired": True},
)
SUDDEN = {"kill": 5, "stop": 3, "decoder": 2, "freeze": 3, "full": 2, None: 3}
"""What may happen during another fault, with relative frequencies."""


@attrs.define
class Faults:
    """Draws faults and injects them, one after another, sometimes two at once.

    ``happened`` counts them by name. The drawn faults depend only on the seed, their times on the machine.
    """

    stage: Stage
    chance: random.Random
    happened: dict = attrs.field(factory=dict)

    def happen(self, stop, *, deadly):
        """Draw a fault, inject it for some seconds or until ``stop`` is set, and end it.

        Args:
            stop: an event.
            deadly: whether the service may be killed. This does not affect which faults are drawn.
        """
        slow, sudden = self._drawn(deadly=deadly)
        lasting = self.chance.uniform(3, 12)
        with contextlib.ExitStack() as healing:
            for name, begin in slow:
                self._count(name)
                healing.enter_context(begin())
            stop.wait(lasting / 2)
            for name, act in sudden:
                if not stop.is_set():
                    self._count(name)
                    act()
            stop.wait(lasting / 2)

    def _drawn(self, *, deadly):
        """Return contexts to enter, and actions to perform inside them."""
        provider = self.chance.choice(("sync", "jobs"))
        mood = self.chance.choice(MOODS)
        kind = self.chance.choice(OSS_FAULTS)
        (word,) = mood
        network_faults = [
            (
                f"{provider} provider: {mood[word] if word == 'fault' else word}",
                lambda: self._mood(provider, mood),
            ),
            ("bucket unreachable", self._oss_down),
            (f"bucket: {kind}", lambda: self._oss_fault(kind)),
            ("name not found", self._no_name),
        ]
        slow = self.chance.choices(network_faults, (6, 2, 3, 1), k=self.chance.choice((1, 1, 2)))
        seconds, bytes_left = self.chance.uniform(1, 5), self.chance.choice((0, 200_000))
        action = self.chance.choices(("kill", "stop", "decoder", "freeze", "full", None), (3, 2, 2, 3, 2, 6))[
            0
        ]
        actions = {
            "decoder": ("decoder killed", self._kill_decoder),
            "freeze": ("frozen", lambda: self._freeze(seconds)),
            "full": ("disk full", lambda: self._fill(seconds, bytes_left)),
            "kill": ("SIGKILL", self._kill),
            "stop": ("SIGTERM", self._stop),
        }
        if action in ("kill", "stop") and not deadly:
            action = None
        if action == "full" and self.stage.disk is None:
            action = None
        return dict(slow).items(), [actions[action]] if action else []

    def _count(self, name):
        self.happened[name] = self.happened.get(name, 0) + 1

    @contextlib.contextmanager
    def _mood(self, upstream, mood):
        one = getattr(self.stage, upstream)
        one.be(**mood)
        try:
            yield
        finally:
            one.be(**CALM)

    @contextlib.contextmanager
    def _oss_down(self):
        self.stage.oss.down()
        try:
            yield
        finally:
            self.stage.oss.up()

    @contextlib.contextmanager
    def _oss_fault(self, kind):
        self.stage.oss.released.clear()
        self.stage.oss.fail(kind, times=4)
        try:
            yield
        finally:
            self.stage.oss.faults.clear()
            self.stage.oss.release()

    @contextlib.contextmanager
    def _no_name(self):
        """Move a provider to a host name that does not resolve, and back."""
        self._move("http://vendor.invalid")
        try:
            yield
        finally:
            self.bring_back()

    def bring_back(self):
        self._move(None)

    def _move(self, api_base):
        body = {"provider_name": SYNC, "api_base": api_base}
        with contextlib.suppress(httpx.HTTPError), self.stage.service.client() as client:
            client.post("/api/v1/providers/config", json=body)

    def _kill_decoder(self):
        for pid in family(self.stage.service.pid)[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _freeze(self, seconds):
        self.stage.frozen = True
        self.stage.service.signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.stage.service.signal(signal.SIGCONT)
            self.stage.frozen = False

    def _fill(self, seconds, bytes_left):
        with self.stage.disk.filled(leaving_bytes=bytes_left):
            time.sleep(seconds)

    def _kill(self):
        self.stage.end_life("SIGKILL", self.stage.service.kill)
        self.stage.start()

    def _stop(self):
        self.stage.end_life("SIGTERM", self.stage.service.stop)
        self.stage.start()
