"""Checks host, origin, token and body of each request first. Whatever passes is complete and bounded."""

from imagegen_core.config import Origin
from imagegen_core.messages import ProblemCode
from imagegen_core.ports.tools import Clock
from imagegen_http.guard import access, asgi, pages
from imagegen_http.guard.access import (
    Access,
    AllowedHosts,
    Forwarding,
    ImageLinks,
    parse_origin,
    parse_page_origin,
)
from imagegen_http.guard.asgi import InboundRequest, Receive, RequestRefused, Scope, Send
from imagegen_http.guard.bodies import BODY, BODY_ARRIVED, BodyPool, IncomingBody

MAX_HEAD_BYTES = 32 * 1024  # of path, query and headers; our own server refuses longer ones unparsed


class InboundGuard:
    """Wraps an ASGI application. It decides by the path that the router sees.

    No forwarding header counts but the scheme of a trusted proxy. The application gets each body complete, as
    one message or as a `BufferedBody`: of an accepted type, within the limits of size, depth and values.
    """

    def __init__(
        self,
        app: asgi.App,
        *,
        rules: asgi.GuardRules,
        refuse: asgi.Refuse,
        clock: Clock,
        links: ImageLinks | None = None,
    ) -> None:
        self._app = app
        self._rules = rules
        self._refuse = refuse
        self._forwarding = Forwarding(public_url=rules.public_url, trusted_proxies=rules.trusted_proxies)
        self._public_origin = None if rules.public_url is None else parse_origin(rules.public_url)
        public = () if self._public_origin is None else (Origin.parse(self._public_origin).host,)
        self._hosts = AllowedHosts(bind_host=rules.bind_host, names=(*rules.allowed_hosts, *public))
        token, origin = rules.auth_token, self._public_origin
        self._access = Access(token=token, clock=clock, public_origin=origin) if token else None
        self._links = links if token else None
        self._allowed_origins = frozenset(parse_page_origin(origin) for origin in rules.allowed_origins)
        self._bodies = BodyPool(rules)
        self._login = pages.Login(token or None, refuse, clock, rules.failed_login_seconds)

    def close(self) -> None:
        self._bodies.thread.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = self._forwarding.with_original_scheme(scope)
        request = InboundRequest.from_scope(scope)
        send = asgi.with_security_headers(send, no_store=request.is_api)
        is_foreign = access.is_foreign(request, self._public_origin)
        link_seconds = None if self._links is None else self._links.seconds_left(request)
        is_guest = is_foreign and self._is_guest(request, has_link=bool(link_seconds))
        if link_seconds is not None:
            send = access.with_link_headers(send, link_seconds)
        if request.is_api and (self._access is not None or self._allowed_origins):
            send = access.with_cors_headers(send, request.header(b"origin") if is_guest else None)
        body = IncomingBody(request, receive, self._bodies, has_arrived=scope.get(BODY_ARRIVED, False))
        try:
            self._check_head(request, is_foreign=is_foreign, is_guest=is_guest, has_link=bool(link_seconds))
            body.check_head()
            await body.load()
        except asgi.RequestAborted:
            return
        except RequestRefused as refusal:
            body.release()
            await self._send_refusal(refusal, body, scope, receive, send)
        else:
            app = self._login if request.path in pages.LOGIN_PATHS else self._app
            if is_guest and access.is_preflight(request):
                app = access.answer_preflight
            scope[BODY] = body
            await app(scope, body.receive, send)
        finally:
            body.release()
            scope.pop(BODY, None)  # else the request would wait for the garbage collector, in a cycle

    def _is_guest(self, request: InboundRequest, *, has_link: bool) -> bool:
        """Whether a foreign page may ask: by its origin, by a link, or by a token, checked elsewhere.

        A preflight has no token yet.
        """
        shows_token = b"authorization" in request.headers or access.is_preflight(request)
        is_invited = request.header(b"origin") in self._allowed_origins
        may_ask = is_invited or has_link or (self._access is not None and shows_token)
        return request.is_api and may_ask and self._hosts.allow(request)

    def _check_head(
        self, request: InboundRequest, *, is_foreign: bool, is_guest: bool, has_link: bool
    ) -> None:
        if request.head_bytes > MAX_HEAD_BYTES:
            raise RequestRefused.for_field("headers", ProblemCode.TOO_MANY_BYTES(maximum=MAX_HEAD_BYTES))
        # A page of another site may link to anything, but may not change, read or embed anything.
        is_embedded = is_foreign and not request.is_navigation
        if not is_guest and (is_embedded or not self._hosts.allow(request)):
            raise RequestRefused("forbidden_origin")
        is_open = has_link or (is_guest and access.is_preflight(request))
        if self._access is not None and not is_open:
            allows = self._access.has_token if is_guest else self._access.allows
            if not allows(request):
                raise RequestRefused("unauthorized", headers={"www-authenticate": "Bearer"})

    async def _send_refusal(
        self, refusal: RequestRefused, body: IncomingBody, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send the response, drain an unread body for some time, then close.

        Closing with unread bytes resets the connection, and the client may lose the response (RFC 9112, 9.6).
        """

        async def send_but_not_end(message: asgi.AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                await send({**message, "headers": [*message.get("headers", []), (b"connection", b"close")]})
            else:
                await send({**message, "more_body": True})

        request, is_unread = InboundRequest.from_scope(scope), body.is_unread
        respond = send_but_not_end if is_unread else send
        if refusal.slug == "unauthorized" and request.wants_page and not request.is_api:
            foreign = access.is_foreign(request, self._public_origin)
            page = pages.ask_again(request) if foreign else pages.redirect_to_login(request)
            await page(scope, receive, respond)
        else:
            data, headers = dict(refusal.data), dict(refusal.headers)
            await self._refuse(scope, receive, respond, refusal.slug, data, headers)
        if is_unread:
            await body.drain()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
