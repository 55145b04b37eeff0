"""Self-contained pages without scripts, and the login, which gives a cookie for the token."""

import asyncio
import base64
import hashlib
import html
import re
from http import HTTPStatus
from urllib.parse import parse_qs, quote

from imagegen_core.messages import Language
from imagegen_core.ports.tools import Clock
from imagegen_http.guard import access, asgi
from imagegen_http.guard.asgi import App, InboundRequest, Receive, Refuse, Scope, Send, encoded, respond

_STYLE = (
    "body{font:16px/1.6 system-ui,'PingFang SC','Noto Sans CJK SC',sans-serif;margin:0;min-height:100vh;"
    "display:grid;place-items:center;background:#f6f6f4;color:#1b1b1e}main{width:min(22rem,90vw)}"
    "h1{font-size:1.25rem}label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}"
    "input,button,.button{min-height:44px;padding:.5rem .8rem;margin:.4rem 0 1rem;border:1px solid #85858c;"
    "border-radius:10px;box-sizing:border-box}input{background:#fff;color:inherit}"
    "button,.button{background:#2f5bd7;border-color:#2f5bd7;color:#fff;cursor:pointer}"
    ".button{display:inline-block;text-decoration:none}"
    "nav{display:flex;gap:.5rem}nav a{padding:.5rem .8rem;color:inherit}nav a[aria-current]{font-weight:700}"
    "nav{margin-left:-.8rem}b{font-size:1.5rem}[hidden]{display:none!important}"
    ":focus-visible{outline:3px solid #2f5bd7;outline-offset:2px}[role=alert]{color:#b3261e}"
    "@media(prefers-color-scheme:dark){body{background:#141416;color:#f2f2f3}"
    "input{background:#1d1d20;border-color:#7a7a83}[role=alert]{color:#ff9a93}"
    "button,.button{background:#8fb0ff;border-color:#8fb0ff;color:#0e1a3a}"
    ":focus-visible{outline-color:#8fb0ff}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CSP = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

_PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · imagegen</title>{head}
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<b>imagegen</b>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def plain_page(language: Language, *, title: str, body: str, head: str = "") -> bytes:
    """Return the page; ``title``, ``body`` and ``head`` are HTML."""
    return _PAGE.format(lang=language.tag, title=title, body=body, head=head, style=_STYLE).encode()


_FORM = """{problem}<form method="post" action="/login">
<input name="username" autocomplete="username" value="imagegen" aria-label="imagegen" hidden>
<label for="password">{label}</label>
<input id="password" name="password" type="password" required autofocus
 autocomplete="current-password"{invalid}>
<input type="hidden" name="next" value="{next}">
<input type="hidden" name="lang" value="{lang}">
<button type="submit">{button}</button>
<p id="where">{where}</p>
</form>
<nav><a href="/login?lang=zh&amp;next={way}" lang="zh-CN"{zh}>中文</a>
<a href="/login?lang=en&amp;next={way}" lang="en"{en}>English</a></nav>"""
_WHERE = {
    Language.ZH: "令牌是设置 <code>server.auth_token</code>。服务启动时写明它在哪个文件或环境变量里；"
    "不是你搭建的，就问搭建的人。",
    Language.EN: "The token is the setting <code>server.auth_token</code>. The service says at its start "
    "which file or environment variable has it; if you did not set it up, ask who did.",
}
_TITLES = {Language.ZH: "登录", Language.EN: "Log in"}
_LABELS = {Language.ZH: "访问令牌", Language.EN: "Access token"}
_AGAIN = {Language.ZH: ("正在打开", "继续"), Language.EN: ("Opening", "Go on")}
_WRONG = {Language.ZH: "访问令牌不正确", Language.EN: "The access token is not correct"}
LOGIN_PATHS = frozenset({"/login", "/logout"})

_LOCAL_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]{0,2000}", re.ASCII)


class Login:
    """The login as an ASGI application, behind the guard's checks.

    A wrong token is answered after a second: guessing has one try a second for each connection. Guesses never
    delay the right token.
    """

    def __init__(self, token: str | None, refuse: Refuse, clock: Clock, failed_login_seconds: float) -> None:
        self._token = token
        self._refuse = refuse
        self._clock = clock
        self._failed_login_seconds = failed_login_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = InboundRequest.from_scope(scope)
        allowed = ("GET", "HEAD", "POST") if request.path == "/login" else ("POST",)
        if request.method not in allowed:
            await self._refuse(scope, receive, send, "method_not_allowed", {}, {"allow": ", ".join(allowed)})
            return
        response = await self._response(request, receive)
        await response(scope, receive, send)

    async def _response(self, request: InboundRequest, receive: Receive) -> App:
        if self._token is None:
            return redirect("/")
        now, secure = self._clock.now().timestamp(), request.scheme == "https"
        if request.path == "/logout":
            return redirect("/login", access.set_cookie("", secure=secure))
        form = (await receive())["body"] if request.method == "POST" else request.query
        target, chosen = _local_path(_form_field(form, "next")), _form_field(form, "lang")
        chosen = chosen if chosen in tuple(Language) else ""
        if request.method != "POST":
            is_logged_in = access.is_logged_in(request, self._token, now)
            return redirect(target) if is_logged_in else _login_page(request, target, chosen)
        if access.same_secret(_form_field(form, "password").strip().encode(), self._token):
            if chosen:  # the console keeps it
                target += f"{'&' if '?' in target else '?'}lang={chosen}"
            return redirect(target, access.set_cookie(access.issue(self._token, now), secure=secure))
        await asyncio.sleep(self._failed_login_seconds)
        return _login_page(request, target, chosen, 401, (b"www-authenticate", b"Bearer"))


def _login_page(
    request: InboundRequest, target: str, chosen: str, status: int = 200, *headers: tuple[bytes, bytes]
) -> App:
    """Return the page in the chosen language, if any; it says what was wrong unless the status is 200."""
    language, is_wrong = Language(chosen or _language_of(request)), status != HTTPStatus.OK
    form = _FORM.format(
        label=_LABELS[language],
        button=_TITLES[language],
        where=_WHERE[language],
        problem=f'<p id="problem" role="alert">{_WRONG[language]}</p>\n' if is_wrong else "",
        invalid=f' aria-describedby="{"problem " * is_wrong}where"{" aria-invalid=true" * is_wrong}',
        next=html.escape(target),
        way=quote(target, safe="/"),
        lang=chosen,
        **{each: ' aria-current="true"' * (language == each) for each in Language},
    )
    return _page(language, plain_page(language, title=_TITLES[language], body=form), status, *headers)


def redirect_to_login(request: InboundRequest) -> App:
    """Redirect to the login page, which then leads back to the requested one."""
    target = _requested(request)
    return redirect("/login" if target == "/" else f"/login?next={quote(target, safe='/')}")


def ask_again(request: InboundRequest) -> App:
    """Return a page that repeats a request of a foreign link: only then is a SameSite=Strict cookie sent."""
    language, address = _language_of(request), html.escape(_requested(request))
    title, words = _AGAIN[language]
    head = f'\n<meta http-equiv="refresh" content="0; url={address}">'
    body = f'<p><a class="button" href="{address}">{words}</a></p>'
    return _page(language, plain_page(language, title=title, head=head, body=body))


def _requested(request: InboundRequest) -> str:
    query = f"?{request.query.decode('latin-1')}" if request.query else ""
    return _local_path(quote(request.path) + query)


def redirect(location: str, cookie: str | None = None) -> App:
    headers = {"location": location} if cookie is None else {"location": location, "set-cookie": cookie}
    return _response(303, encoded(headers), b"")


def _language_of(request: InboundRequest) -> Language:
    return asgi.preferred_language(request.header(b"accept-language"))


def _page(language: Language, page: bytes, status: int = 200, *headers: tuple[bytes, bytes]) -> App:
    own = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-language", language.tag.encode()),
        (b"content-security-policy", CSP.encode()),
        (b"vary", b"Accept-Language"),
    ]
    return _response(status, [*own, *headers], page)


def _response(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> App:
    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", str(len(body)).encode())
        head = [*headers, length, (b"cache-control", b"no-store")]
        await respond(send, status, head, b"" if scope["method"] == "HEAD" else body)

    return response


def _form_field(encoded: bytes, name: str) -> str:
    """Return a field of a form or query; ``""`` if it is missing or the form is malformed."""
    try:
        fields = parse_qs(encoded.decode("latin-1"), max_num_fields=16)
    except ValueError:
        return ""
    return fields.get(name, [""])[0]


def _local_path(text: str) -> str:
    """Return the path if a login may redirect to it, on this server; else ``/``."""
    if not _LOCAL_PATH.fullmatch(text) or text.partition("?")[0] in LOGIN_PATHS or "\\" in text:
        return "/"
    return text
