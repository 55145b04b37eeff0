"""The OpenAPI document as this server sends it, and its page, without files of other hosts."""

import asyncio
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Annotated, Any, cast

import attrs
import msgspec
from litestar import Litestar, Request, get, route
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp

from imagegen_core.imagegen import ImageGen
from imagegen_core.messages import Language
from imagegen_core.ports.gallery import ImageFilter, ImageList
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.requests import Operation
from imagegen_core.search import Paging
from imagegen_core.task import Task, TaskStatus
from imagegen_http.api.errors import READ
from imagegen_http.api.marks import EXAMPLE_COLLECTION
from imagegen_http.api.requests import ServiceDependency
from imagegen_http.guard.access import Access, parse_origin
from imagegen_http.guard.asgi import InboundRequest, Scope, preferred_language
from imagegen_http.guard.static import StaticContent, StaticFolder
from imagegen_http.pages.document import openapi_document
from imagegen_http.service import Service

_NEWEST = Paging(page_size=1)
_RETRY, _INPUTS = "/retry", "/inputs/"


@attrs.frozen(kw_only=True)
class Newest:
    """Ids of the newest records, or None; ``failed_task`` failed or, if none has, was cancelled.

    ``input_task`` has an input image: one of the last 20, or the newest with an image that still exists.
    """

    task: str | None = None
    input_task: str | None = None
    failed_task: str | None = None
    image: int | None = None
    collection: int | None = None

    @classmethod
    async def read(cls, imagegen: ImageGen) -> "Newest":
        parts = imagegen.parts
        images = (await parts.images.list(ImageList(), _NEWEST)).items
        collections = await parts.marks.collections()
        tasks = (await parts.tasks.find(TaskFilter(), Paging())).items
        ended = [
            task
            for status in (TaskStatus.FAILED, TaskStatus.CANCELLED)
            for task in (await parts.tasks.find(TaskFilter(status=status), _NEWEST)).items
        ]
        return cls(
            task=tasks[0].task_id if tasks else None,
            input_task=await _task_with_inputs(imagegen, tasks),
            failed_task=ended[0].task_id if ended else None,
            image=images[0].image.id if images else None,
            collection=collections[0].id if collections else None,
        )


def with_newest(document: Mapping[str, Any], newest: Newest) -> dict[str, Any]:
    """Put these ids into the examples of parameters and bodies."""
    paths: dict[str, Any] = deepcopy(document["paths"])
    for path, item in paths.items():
        tasks = {_RETRY: newest.failed_task, _INPUTS: newest.input_task}
        task = next((task for part, task in tasks.items() if part in path), newest.task)
        ids = {"task_id": task, "image_id": newest.image, "collection_id": newest.collection}
        for method, operation in item.items():
            for parameter in operation.get("parameters", ()):
                if (value := ids.get(parameter["name"])) is not None:
                    parameter["example"] = str(value)
            values: dict[str, Any] = {} if newest.image is None else {"ids": [newest.image]}
            if newest.collection is not None:  # the next collection's name is likely to be free
                values["name"] = f"{EXAMPLE_COLLECTION} {newest.collection + (method == 'post')}"
            for body in operation.get("requestBody", {}).get("content", {}).values():
                if isinstance(example := body.get("example"), dict):
                    example |= {n: v for n, v in values.items() if n in example}
    return {**document, "paths": paths}


async def _task_with_inputs(imagegen: ImageGen, newest_tasks: Sequence[Task]) -> str | None:
    if task_id := next((task.task_id for task in newest_tasks if task.request.inputs), None):
        return task_id
    operations = (operation for operation in Operation if operation.rules.has_input_images)
    lists = [ImageList(criteria=ImageFilter(operation=operation)) for operation in operations]
    images = [hit.image for one in lists for hit in (await imagegen.parts.images.list(one, _NEWEST)).items]
    return max(images, key=lambda image: image.id).task_id if images else None


class Renderings:
    """The document, encoded and compressed once for each language until there is a newer record."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._latest: dict[Language, tuple[Newest, StaticContent]] = {}
        self._lock = asyncio.Lock()

    async def content(self, language: Language, newest: Newest) -> StaticContent:
        """Render in a thread, by one caller at a time: the first rendering takes half a second."""
        async with self._lock:
            latest = self._latest.get(language)
            if latest is None or latest[0] != newest:
                content = await asyncio.to_thread(self._render, language, newest)
                latest = self._latest[language] = newest, content
        return latest[1]

    def _render(self, language: Language, newest: Newest) -> StaticContent:
        document = with_newest(openapi_document(self._app, language), newest)
        return StaticContent.compress(msgspec.json.encode(document), "application/json")


_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{root}docs/favicon-32x32.png"><link rel="stylesheet" href="{root}docs/swagger-ui.css">
<link rel="stylesheet" href="{root}docs/page.css"></head>
<body><nav><a href="{root}./">{console}</a><a href="{root}openapi.json?lang={code}">openapi.json</a>
<a href="{root}docs?lang={other_code}" lang="{other_lang}" hreflang="{other_lang}">{other}</a></nav>
<div id="swagger-ui"></div><noscript><p>{noscript}</p></noscript>
<script src="{root}docs/swagger-ui-bundle.js"></script>
<script src="{root}docs/start.js"></script></body></html>
"""
_TEXTS: Mapping[Language, Mapping[str, str]] = {
    Language.EN: {
        "title": "imagegen API",
        "console": "Console",
        "other": "中文",
        "noscript": "This page needs JavaScript; openapi.json is all that it shows.",
    },
    Language.ZH: {
        "title": "imagegen API 文档",
        "console": "控制台",
        "other": "English",
        "noscript": "本页面需要 JavaScript；它显示的就是 openapi.json 的内容。",
    },
}

LanguageQuery = Annotated[str | None, QueryParameter(name="lang")]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@route("/openapi.json", http_method=READ, include_in_schema=False)
async def openapi_json(
    request: Request[Any, Any, Any], service: ServiceDependency, lang: LanguageQuery = None
) -> ASGIApp:
    """Return the OpenAPI 3.1 document in the reader's language.

    Whoever may see tasks and images gets examples that name the newest ones.
    """
    language = _language(request, lang)
    newest = await Newest.read(service.imagegen) if _may_see_records(request, service) else Newest()
    renderings = request.app.state.setdefault("openapi_renderings", Renderings(request.app))
    content: StaticContent = await renderings.content(language, newest)
    headers = {"content-language": language.tag, "vary": "Accept-Language, Authorization, Cookie"}
    return content.response(headers=headers)


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs(request: Request[Any, Any, Any], lang: LanguageQuery = None) -> ASGIApp:
    language = _language(request, lang)
    root = "../" if request.scope["raw_path"].endswith(b"/") else ""
    headers = {"content-language": language.tag, "vary": "Accept-Language"}
    return _page(language, root).response(headers={**headers, "content-security-policy": _POLICY})


@route("/docs/{path:path}", http_method=READ, include_in_schema=False)
async def docs_file(path: FromPath[str]) -> ASGIApp:
    return (await _files().content(path.removeprefix("/"))).response()


@cache
def _files() -> StaticFolder:
    return StaticFolder("swagger-ui")


@cache
def _page(language: Language, root: str) -> StaticContent:
    """Return the page; ``root`` leads to the service. Relative addresses work below a proxy's prefix."""
    other = Language.ZH if language is Language.EN else Language.EN
    words = {"lang": language.tag, "code": language, "other_lang": other.tag, "other_code": other}
    html = _PAGE.format(root=root, **words, **_TEXTS[language])
    return StaticContent.compress(html.encode(), "text/html; charset=utf-8")


def _language(request: Request[Any, Any, Any], choice: str | None) -> Language:
    """Return the query's language, else the reader's, else English."""
    preferred = preferred_language(request.headers.get("accept-language"), default=Language.EN)
    return preferred_language(choice, default=preferred)


def _may_see_records(request: Request[Any, Any, Any], service: Service) -> bool:
    """Return whether no token is set, or the caller sent it although the document needs none."""
    server = service.settings.server
    if server.auth_token is None:
        return True
    access = Access(
        token=server.auth_token,
        clock=service.imagegen.parts.clock,
        public_origin=None if server.public_url is None else parse_origin(server.public_url),
    )
    return access.recognizes(InboundRequest.from_scope(cast("Scope", request.scope)))
