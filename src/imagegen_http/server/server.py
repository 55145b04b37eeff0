"""``imagegen serve``: runs uvicorn, and starts and stops it in an order that loses nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import cast

import structlog
import uvicorn

from imagegen_core.messages import Message
from imagegen_core.secrets import Redactor
from imagegen_http.api.webhooks import body_of
from imagegen_http.app import build_app
from imagegen_http.errors import ServiceCode, system_reason
from imagegen_http.guard.access import parse_network
from imagegen_http.guard.asgi import App, GuardRules
from imagegen_http.guard.guard import InboundGuard
from imagegen_http.openai.responses import refuse
from imagegen_http.running_server import RunningServer
from imagegen_http.server.connections import AcceptingServer, ConnectionLimits, raise_file_limit
from imagegen_http.server.logs import RequestLog, set_up_logs
from imagegen_http.server.process import (
    ServiceManager,
    freeze_startup_objects,
    limit_malloc_arenas,
    running,
    trimming_memory,
)
from imagegen_http.server.protocol import limited_protocol
from imagegen_http.server.responses import CompressedJson, LargeResponses, ResponseCache
from imagegen_http.service import (
    DataDirectoryInUse,
    Service,
    compose,
    default_provider_warning,
    new_id,
    sqlite_warning,
)
from imagegen_http.settings.schema import Origins, ServerSettings, Settings

SOCKET_CLOSE_SECONDS = 3  # open connections may stay so long once no task is running
_MIB = 1024 * 1024
_OTHER_BODIES_MB = 32  # memory for other bodies while the largest upload arrives
_log = structlog.get_logger("imagegen.server")


class AddressUnusable(Exception):
    """The service cannot listen on the address, which ``reason`` names."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


async def serve(
    settings: Settings,
    *,
    environ: Mapping[str, str],
    origins: Origins,
    warnings: Sequence[Message] = (),
    greet: Callable[[int], None],
) -> None:
    """Serve until SIGTERM or SIGINT; ``greet`` gets the port once requests are served.

    After the signal, reads are still served but no task is accepted or claimed. Running calls may finish
    within the grace time, which a second signal ends. The state of the others is stored before this returns.
    """
    limit_malloc_arenas()
    redactor = Redactor()
    set_up_logs(settings.log, redactor.redact_event)
    try:
        listener = _bind(settings.server.host, settings.server.port)
    except AddressUnusable:
        if RunningServer.find(settings.data_dir) is None:
            raise
        raise DataDirectoryInUse from None  # it has our port as well as our data, and the data matter more
    with listener:
        composing = compose(settings, environ=environ, origins=origins, redactor=redactor)
        async with composing as service, _application(service) as app:
            service.listens_on(listener.getsockname()[:2])
            manager = ServiceManager(environ)
            async with running(manager.notify_watchdog()), trimming_memory():
                await _serve(service, app, listener, manager, warnings, greet)


async def _serve(
    service: Service,
    app: App,
    listener: socket.socket,
    manager: ServiceManager,
    warnings: Sequence[Message],
    greet: Callable[[int], None],
) -> None:
    stop, force = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        (force if stop.is_set() else stop).set()

    guard = _guard(service, app)
    log = RequestLog(guard, clock=service.imagegen.parts.clock, new_id=new_id)
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    server = AcceptingServer(
        _config(log, service.settings.server),
        started=lambda: manager.ready(url),
        signalled=lambda: loop.call_soon_threadsafe(signalled),
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    freeze_startup_objects()
    with RunningServer.announce(service.settings.data_dir, host, port) as service.running_server:
        _log.info("listening", url=url)
        provider_warning = await default_provider_warning(service.imagegen.providers)
        for warning in filter(None, (sqlite_warning(), *warnings, provider_warning)):
            _log.warning(str(warning))
        greet(port)
        sends = service.settings.runs_tasks
        async with service.webhooks.sending(body_of(service)) if sends else nullcontext():
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            service.stopping.set()
            manager.stopping(service.imagegen.worker.busy)
            if not serving.done():
                _log.info("stopping", running=service.imagegen.worker.busy)
            await service.imagegen.stop(force=force)
    server.should_exit = True
    stopping.cancel()
    await serving
    guard.close()
    _log.info("stopped")


@asynccontextmanager
async def _application(service: Service) -> AsyncIterator[App]:
    """Build what the guard lets requests through to; what agents need is loaded only for them."""
    app = cast("App", build_app(service))
    if service.store.writes is not None:
        app = ResponseCache(app, writes=service.store.writes)
    app = LargeResponses(CompressedJson(app), refuse=refuse)
    if service.settings.mcp.enabled and service.settings.serves_api:
        from imagegen_http.mcp.server import over_http

        async with over_http(app, service, refuse) as with_mcp:
            yield with_mcp
    else:
        yield app


def _guard(service: Service, app: App) -> InboundGuard:
    settings = service.settings.server
    rules = GuardRules(
        bind_host=settings.host,
        allowed_hosts=settings.allowed_hosts,
        public_url=settings.public_url,
        trusted_proxies=settings.trusted_proxies,
        allowed_origins=service.settings.security.allowed_origins,
        auth_token=settings.auth_token if service.settings.serves_api else None,
        max_upload_bytes=settings.max_upload_mb * _MIB,
        max_bytes_in_flight=(settings.max_upload_mb + _OTHER_BODIES_MB) * _MIB,
    )
    return InboundGuard(
        app, rules=rules, refuse=refuse, clock=service.imagegen.parts.clock, links=service.links
    )


def _config(app: RequestLog, settings: ServerSettings) -> uvicorn.Config:
    limits = raise_file_limit(
        ConnectionLimits(
            per_peer=settings.max_connections_per_address,
            trusted_proxies=tuple(parse_network(text) for text in settings.trusted_proxies),
        )
    )
    return uvicorn.Config(
        app,
        http=limited_protocol(limits, new_id=new_id),  # type: ignore[arg-type] # a buffered protocol
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.in_total,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=SOCKET_CLOSE_SECONDS,
        backlog=2048,
    )


def _bind(host: str, port: int) -> socket.socket:
    bare = host.strip("[]")
    listener = socket.socket(socket.AF_INET6 if ":" in bare else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if port:  # who takes a free one must not share it with another process that does not listen yet
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bare, port))
    except OSError as error:
        listener.close()
        refusal = ServiceCode.CANNOT_LISTEN(host=host, port=port, detail=system_reason(error))
        raise AddressUnusable(refusal) from error
    listener.set_inheritable(False)
    return listener
