"""``/login`` and ``/logout``: exchanges the token for a cookie."""

import asyncio
import re
from urllib.parse import parse_qs, quote

from imagegen_core.messages import Language
from imagegen_core.ports.clock import Clock
from imagegen_http.asgi.types import App, Receive, Refuse, Scope, Send
from imagegen_http.guard import login_page, plain_page, sessions
from imagegen_http.guard.inbound_request import InboundRequest
from imagegen_http.problems.error_table import preferred_language

PATHS = frozenset({"/login", "/logout"})

_LOCAL_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]{0,2000}", re.ASCII)


class Login:
    """The login as an ASGI application, behind the guard's checks.

    A wrong token is answered after a second, and its connection waits as long: who guesses has no more tries
    a second than connections. The right token is never kept waiting by others who guess.
    """

    def __init__(
        self, *, token: str | None, refuse: Refuse, clock: Clock, failed_login_seconds: float
    ) -> None:
        self._token = token
        self._refuse = refuse
        self._clock = clock
        self._failed_login_seconds = failed_login_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; its body arrives as one message."""
        request = InboundRequest.from_scope(scope)
        allowed = ("GET", "HEAD", "POST") if request.path == "/login" else ("POST",)
        if request.method not in allowed:
            headers = {"allow": ", ".join(allowed)}
            await self._refuse(scope, receive, send, "method_not_allowed", {}, headers)
        elif self._token is None:
            await redirect("/")(scope, receive, send)
        elif request.path == "/logout":
            cookie = sessions.set_cookie("", secure=request.scheme == "https")
            await redirect("/login", cookie)(scope, receive, send)
        elif request.method == "POST":
            await self._log_in(request, self._token, scope, receive, send)
        elif sessions.is_logged_in(request, self._token, self._clock.now().timestamp()):
            await redirect(_local_path(_form_field(request.query, "next")))(scope, receive, send)
        else:
            await _page(request, _local_path(_form_field(request.query, "next")), wrong=False)(
                scope, receive, send
            )

    async def _log_in(
        self, request: InboundRequest, token: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        form = (await receive())["body"]
        target = _local_path(_form_field(form, "next"))
        if sessions.same_secret(_form_field(form, "password").strip().encode(), token):
            value = sessions.issue(token, self._clock.now().timestamp())
            await redirect(target, sessions.set_cookie(value, secure=request.scheme == "https"))(
                scope, receive, send
            )
        else:
            await asyncio.sleep(self._failed_login_seconds)
            await _page(request, target, wrong=True)(scope, receive, send)


def redirect_to_login(request: InboundRequest) -> App:
    """Return the response that redirects to the login page, which then leads back to the requested one."""
    target = _requested(request)
    return redirect("/login" if target == "/" else f"/login?next={quote(target, safe='/')}")


def ask_again(request: InboundRequest) -> App:
    """Return the response to who follows a link of another site, perhaps with a session.

    A browser keeps a cookie that is SameSite=Strict from such a request, and sends it when a page of ours
    asks for the same.
    """
    language = preferred_language(request.header(b"accept-language"))
    html = login_page.render_again(language, target=_requested(request))
    return _response(200, _page_headers(language), html)


def _requested(request: InboundRequest) -> str:
    query = f"?{request.query.decode('latin-1')}" if request.query else ""
    return _local_path(quote(request.path) + query)


def redirect(location: str, cookie: str | None = None) -> App:
    """Return a 303 to a path on this server."""
    headers = [(b"location", location.encode("latin-1"))]
    if cookie is not None:
        headers.append((b"set-cookie", cookie.encode("latin-1")))
    return _response(303, headers, b"")


def _page(request: InboundRequest, target: str, *, wrong: bool) -> App:
    language = preferred_language(request.header(b"accept-language"))
    headers = _page_headers(language)
    status = 401 if wrong else 200
    if wrong:
        headers.append((b"www-authenticate", b"Bearer"))
    return _response(status, headers, login_page.render(language, wrong=wrong, target=target))


def _page_headers(language: Language) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-language", plain_page.language_tag(language).encode()),
        (b"content-security-policy", plain_page.CSP.encode()),
        (b"vary", b"Accept-Language"),
    ]


def _response(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> App:
    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", str(len(body)).encode())
        head = [*headers, length, (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        content = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": content, "more_body": False})

    return response


def _form_field(encoded: bytes, name: str) -> str:
    """Return a field of a form or query, ``""`` if it is missing or the form is malformed."""
    try:
        fields = parse_qs(encoded.decode("latin-1"), max_num_fields=16)
    except ValueError:
        return ""
    return fields.get(name, [""])[0]


def _local_path(text: str) -> str:
    """Return a path on this server to which a login may redirect; ``/`` for anything else."""
    if not _LOCAL_PATH.fullmatch(text) or text.partition("?")[0] in PATHS or "\\" in text:
        return "/"
    return text
