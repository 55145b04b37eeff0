"""What the imitated providers of the shipped presets share: their keys, files, answers and ledgers."""

from typing import Any

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png, svg
from tests.fakes.samples import sample


class Upstream:
    """Strict about its key; its files need none, and must not be sent one.

    Attributes:
        preset: whose samples it answers with.
        key: the API key that it accepts, or None for any.
        base: the path of ``api_base``.
        paid: a pattern of the paths that cost money.
        native_count: whether one call can make several images.
        auth: the header that carries the key, and how.
        auth_failure: status and failure code of a wrong key, or None if there are no keys.
        ledger: an entry for each charged call.
        bodies: the bodies of all calls that were well-formed.
    """

    preset: str
    key: str | None
    base = ""
    paid: str
    native_count = True
    auth = ("authorization", "Bearer {key}")
    auth_failure: tuple[int, str] | None = (401, "auth_failed")

    def __init__(self) -> None:
        self.ledger: list[Any] = []
        self.bodies: list[Any] = []

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            return self._file(request)
        if self.key is not None and not self.is_authorized(request):
            return self.answer("unauthorized", key=self.key)
        return self.serve(request)

    def serve(self, request: Request) -> Reply:
        """Answer a request with the right key."""
        raise NotImplementedError

    def is_authorized(self, request: Request) -> bool:
        header, value = self.auth
        return request.headers.get(header) == value.format(key=self.key)

    def limited(self, **headers: str) -> Reply:
        """Return the answer to one call too many."""
        return self.answer("limited", headers=headers)

    def answer(self, name: str, /, *, headers: dict[str, str] | None = None, **values: Any) -> Reply:
        """Return a sample of this provider's answers."""
        answer = sample(self.preset, name, **values)
        return Reply.json(answer.body, answer.status, **answer.headers, **(headers or {}))

    def root(self, request: Request) -> str:
        return f"http://{request.headers['host']}"

    def files(self, request: Request, count: int) -> tuple[str, ...]:
        """Return the URLs of that many images, numbered from 0; a provider of single ones numbers them 1."""
        first = 0 if self.native_count else 1
        return tuple(f"{self.root(request)}/files/{first + number}" for number in range(count))

    def _file(self, request: Request) -> Reply:
        assert self.auth[0] not in request.headers, "the key went along with a download"
        assert str(self.key) not in str(request.headers), "the key went along with a download"
        if request.path.endswith(".svg"):
            return Reply(200, svg(int(request.path[-5])), {"content-type": "image/svg+xml"})
        return Reply(200, png(int(request.path[-1])), {"content-type": "image/png"})
