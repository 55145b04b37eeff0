"""The first thing that a request meets: host, origin, token, body. What passes is complete and bounded."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from imagegen_http.asgi import App, Receive, Refuse, Scope, Send
from imagegen_http.guard import cross_site, json_outline, login
from imagegen_http.guard.access import Access
from imagegen_http.guard.bodies import JSON, UPLOADS, IncomingBody, media_type
from imagegen_http.guard.body_budget import SMALL_BYTES, BodyBudget
from imagegen_http.guard.forwarding import Forwarding, origin_of
from imagegen_http.guard.held_body import HeldBody
from imagegen_http.guard.hosts import AllowedHosts
from imagegen_http.guard.inbound_request import InboundRequest
from imagegen_http.guard.lingering import answer_early
from imagegen_http.guard.refused import ClientGone, Refused
from imagegen_http.guard.rules import GuardRules
from imagegen_http.guard.security_headers import with_security_headers

MAX_HEAD_BYTES = 32 * 1024
"""Largest head, its path and headers together; the parser bounds only what comes in pieces."""
_LARGE_AT_ONCE = 8
"""Large bodies that the application reads at a time; the others wait as they came."""


class InboundGuard:
    """Wraps an ASGI application. It decides by the path that the router sees and by nothing forwarded.

    Only the scheme may be forwarded, by a trusted proxy; the application sees it as the scope's.

    The application gets each body as one message (or as a `HeldBody`), whole, declared as what the path
    takes, within its size, not nested too deep, and of few values. ``refuse`` sends the error envelope;
    ``now`` is seconds since 1970.

    Raises:
        ValueError: an allowed host could never be a Host.
    """

    def __init__(
        self, app: App, *, rules: GuardRules, refuse: Refuse, now: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._rules = rules
        self._refuse = refuse
        self._forwarding = Forwarding(public_url=rules.public_url, trusted_proxies=rules.trusted_proxies)
        self._public_origin = None if rules.public_url is None else origin_of(rules.public_url)
        public = () if rules.public_url is None else (urlsplit(rules.public_url).hostname or "",)
        self._hosts = AllowedHosts(bind_host=rules.bind_host, names=(*rules.allowed_hosts, *public))
        self._access = (
            Access(token=rules.auth_token, now=now, public_origin=self._public_origin)
            if rules.auth_token
            else None
        )
        self._budget = BodyBudget(
            max(rules.max_bytes_in_flight, rules.max_upload_bytes), reserve=rules.reserved_bytes
        )
        self._turns = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="body-reader")
        self._login = login.Login(
            token=rules.auth_token or None,
            refuse=refuse,
            now=now,
            failed_seconds=rules.failed_login_seconds,
        )

    @property
    def bytes_in_flight(self) -> int:
        """What the bodies of running requests hold now."""
        return self._budget.used

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = self._forwarding.as_made(scope)
        request = InboundRequest.of(scope)
        send = with_security_headers(send, no_store=request.is_api)
        body = IncomingBody(request, receive)
        held = HeldBody(bytearray(), lease=self._budget.lease(), thread=self._thread)
        try:
            self._check_head(request, body)
            await self._read(request, body, held)
        except ClientGone:
            return
        except Refused as refused:
            held.release()
            await self._turn_away(refused, request, body, scope, receive, send)
        else:
            app = self._login if request.path in login.PATHS else self._app
            held.put_into(scope)
            if len(held.text) > SMALL_BYTES:
                await held.take_turn(self._turns)
            await app(scope, body.replayed(held), send)
        finally:
            held.release()

    def _check_head(self, request: InboundRequest, body: IncomingBody) -> None:
        if request.head_bytes > MAX_HEAD_BYTES:
            problem = {"field": "headers", "message": f"must be at most {MAX_HEAD_BYTES} bytes"}
            raise Refused("validation_failed", {"errors": [problem]})
        if not self._hosts.allow(request) or cross_site.refuses(request, self._public_origin):
            raise Refused("forbidden_origin")
        if self._access is not None and not self._access.allows(request):
            raise Refused("unauthorized", headers={"www-authenticate": "Bearer"})
        body.check_head(self._rules, self._budget)

    async def _read(self, request: InboundRequest, body: IncomingBody, held: HeldBody) -> None:
        held.fill(await body.read(self._rules, held.lease))
        if media_type(request) == JSON:
            try:
                held.outline = await held.read(
                    lambda: json_outline.outline(
                        held.text,
                        max_depth=self._rules.max_json_depth,
                        with_pictures=request.path in UPLOADS,
                    )
                )
            except json_outline.TooMuch as error:
                raise Refused.for_body(str(error)) from error

    async def _turn_away(
        self,
        refused: Refused,
        request: InboundRequest,
        body: IncomingBody,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        answer = self._answer(refused, request)
        if body.is_unread:
            seconds = self._rules.linger_seconds
            await answer_early(answer, scope, receive, send, unread=body, seconds=seconds)
        else:
            await answer(scope, receive, send)

    def _answer(self, refused: Refused, request: InboundRequest) -> App:
        if refused.slug == "unauthorized" and request.wants_page and not request.is_api:
            return login.to_login(request)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            data, headers = dict(refused.data), dict(refused.headers)
            await self._refuse(scope, receive, send, refused.slug, data, headers)

        return answer
