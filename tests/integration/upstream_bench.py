"""One fake of each kind of provider, started for blocking tests, and how to make each of them misbehave."""

import base64
from contextlib import ExitStack, contextmanager

import attrs

from tests.fakes import gemini, job_upstreams, simple_upstreams
from tests.fakes.a1111 import FakeA1111
from tests.fakes.dashscope import FakeDashScope
from tests.fakes.http_server import Break, HttpServer, Reply
from tests.fakes.in_thread import in_thread
from tests.fakes.loopback import Answer
from tests.fakes.openai_images import FakeOpenAI
from tests.fakes.own_upstream import DOCUMENT, FakeOwn
from tests.fakes.samples import sample
from tests.fakes.stability import FakeStability

PAGE = b"<html><body>Please sign in</body></html>"
PAGE_BASE64 = base64.b64encode(PAGE).decode()
ONE_SECOND = {"retry_after": "1"}
IMAGEN = {
    "generate": "imagen-4.0-generate-001",
    "edit": "imagen-3.0-capability-001",
    "upscale": "imagen-4.0-upscale-preview",
    "recontext": "imagen-product-recontext-preview-06-30",
    "segment": "image-segmentation-001",
}


@attrs.define(kw_only=True)
class Upstream:
    """A fake behind a configuration.

    ``operations`` maps each to the model that does it (None: the default). ``calls_for_two`` is how many
    charged calls two images take. ``refuses`` is a prompt that it refuses, None when it never does.
    """

    name: str
    url: str
    key: str
    faults: object
    kind: str
    extra: dict
    operations: dict
    calls_for_two: int
    refuses: str | None = "something forbidden"

    @property
    def authority(self):
        return self.url.split("/")[2]

    @property
    def config(self):
        """What is saved for it."""
        models = list(dict.fromkeys(m for m in self.operations.values() if m is not None))
        return {
            "provider_name": self.name,
            "kind": self.kind,
            "api_base": self.url,
            "api_key": self.key,
            "timeout_seconds": 120,
            "extra_config": {"headers": {"X-Team": "blue"}, **self.extra},
            **({"models": [{"id": model} for model in models]} if models else {}),
        }


@attrs.define
class OverHttpServer:
    """``page`` is an answer with a page in the place of an image, None where images are downloaded."""

    server: HttpServer
    page: dict | None

    @property
    def ledger(self):
        return self.server.fake.ledger

    @property
    def heads(self):
        return [(r.path, r.headers) for r in self.server.requests]

    def limit(self):
        self.server.break_next(self.server.fake.limited(**ONE_SECOND), path=self.server.fake.paid)

    def lose(self):
        self.server.break_next(Break.SERVER_ERROR, path=self.server.fake.paid)

    def be_silent(self):
        self.server.break_next(Break.SILENCE, path=self.server.fake.paid)

    def send_page(self):
        if self.page is None:
            self.server.break_next(Break.HTML, path="^/files/")
        else:
            self.server.break_next(Reply.json(self.page), path=self.server.fake.paid)

    def not_found(self):
        self.server.break_next(Reply.json({"error": {"message": "no such model"}}, 404))


@attrs.define
class OverLoopback:
    """``page`` as above."""

    fake: object
    page: dict

    @property
    def ledger(self):
        return self.fake.ledger

    @property
    def heads(self):
        return [(r.path, r.headers) for r in self.fake.requests]

    def limit(self):
        self.fake.faults.append(Answer.json({"detail": "slow down"}, 429, Retry_After="1"))

    def lose(self):
        self.fake.spoilt.append(Answer.json({"detail": "something broke"}, 500))

    def be_silent(self):
        self.fake.spoilt.append(Answer(body=b"{}", fault="stall"))

    def send_page(self):
        self.fake.spoilt.append(Answer.json(self.page))


@attrs.define
class OverGemini:
    """``page`` as above."""

    fake: gemini.FakeGemini
    page: dict

    @property
    def ledger(self):
        return self.fake.ledger

    @property
    def heads(self):
        return [(a.target, a.headers) for a in self.fake.requests]

    def limit(self):
        body = gemini.error(429, "RESOURCE_EXHAUSTED", "slow down", gemini.retry_info("1s"))
        self.fake.script.append(gemini.Scripted(429, body, {"Retry-After": "1"}))

    def lose(self):
        self.fake.script.append(gemini.Scripted(500, gemini.error(500, "INTERNAL", "oops"), charged=True))

    def be_silent(self):
        self.fake.script.append(gemini.Scripted(cut="hang"))

    def send_page(self):
        self.fake.script.append(gemini.Scripted(body=self.page))

    def not_found(self):
        self.fake.script.append(gemini.Scripted(404, gemini.error(404, "NOT_FOUND", "no such model")))


@contextmanager
def upstreams():
    """Yield one of each kind, by name, all of them listening."""
    with ExitStack() as stack:
        started = [start(stack) for start in (*_GOOGLE, *_DIFFUSION, *_HTTP)]
        yield {upstream.name: upstream for upstream in started}
        complaints = [
            c for v in started if isinstance(v.faults, OverHttpServer) for c in v.faults.server.complaints
        ]
        assert [] == complaints


def _gemini(stack):
    fake = stack.enter_context(in_thread(gemini.FakeGemini()))
    page = gemini.content({"inlineData": {"mimeType": "image/png", "data": PAGE_BASE64}})
    return Upstream(
        name="gemini",
        url=fake.url,
        key=gemini.KEY,
        faults=OverGemini(fake, page),
        kind="gemini",
        extra={},
        operations=dict.fromkeys(("generate", "reference", "edit", "upscale", "recontext")),
        calls_for_two=2,
        refuses=gemini.REFUSED,
    )


def _vertex(stack):
    fake = stack.enter_context(in_thread(gemini.FakeGemini()))
    page = sample("gemini", "predictions", data=PAGE_BASE64).body
    return Upstream(
        name="gemini-vertex",
        url=fake.url,
        key=gemini.KEY,
        faults=OverGemini(fake, page),
        kind="gemini",
        extra={"backend": "vertex"},
        operations=IMAGEN,
        calls_for_two=1,
        refuses=gemini.REFUSED,
    )


def _a1111(stack):
    fake = stack.enter_context(FakeA1111(auth="user:a1111-password-0123"))
    return Upstream(
        name="stable-diffusion",
        url=fake.url,
        key=fake.auth,
        faults=OverLoopback(fake, sample("a1111", "images", image=PAGE_BASE64, info="{}").body),
        kind="stable_diffusion",
        extra={},
        operations=dict.fromkeys(("generate", "reference", "edit", "upscale")),
        calls_for_two=1,
        refuses=None,
    )


def _stability(stack):
    fake = stack.enter_context(FakeStability(polls_until_done=0))
    page = sample("stability", "image", image=PAGE_BASE64, reason="SUCCESS", seed=1).body
    return Upstream(
        name="stability",
        url=fake.url,
        key=fake.key,
        faults=OverLoopback(fake, page),
        kind="stable_diffusion",
        extra={"dialect": "stability"},
        operations=dict.fromkeys(
            ("generate", "reference", "edit", "upscale", "recontext"), "stable-image-ultra"
        ),
        calls_for_two=2,
    )


def _preset(fake_class, operations, *, calls_for_two, page=None, extra=None):
    def start(stack):
        fake = fake_class()
        server = stack.enter_context(in_thread(HttpServer(fake)))
        return Upstream(
            name="own" if extra else fake.preset,
            url=f"{server.url}{fake.base}",
            key=fake.key,
            faults=OverHttpServer(server, page),
            kind="http",
            extra=extra or {"preset": fake.preset},
            operations=operations,
            calls_for_two=calls_for_two,
        )

    return start


_GOOGLE = (_gemini, _vertex)
_DIFFUSION = (_a1111, _stability)
_HTTP = (
    _preset(
        FakeOpenAI,
        dict.fromkeys(("generate", "reference", "edit")),
        calls_for_two=1,
        page=sample("openai", "images", image=PAGE_BASE64).body,
    ),
    _preset(
        FakeDashScope,
        {"generate": "wan2.5-t2i-preview", "reference": "qwen-image-3.0", "edit": "qwen-image-3.0"},
        calls_for_two=1,
    ),
    _preset(
        simple_upstreams.FakeMiniMax,
        dict.fromkeys(("generate", "reference")),
        calls_for_two=1,
        page=sample("minimax", "images", image=PAGE_BASE64).body,
    ),
    _preset(job_upstreams.FakeReplicate, {"generate": None}, calls_for_two=2),
    _preset(job_upstreams.FakeFal, {"generate": None}, calls_for_two=1),
    _preset(
        FakeOwn,
        dict.fromkeys(("generate", "reference", "edit", "segment")),
        calls_for_two=1,
        page={"made": [{"data": PAGE_BASE64}]},
        extra={"spec": DOCUMENT},
    ),
)
