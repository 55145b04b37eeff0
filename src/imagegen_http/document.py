"""The OpenAPI document in both languages, as this server sends it, and its page."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, cast

import attrs
import msgspec
from litestar import Litestar, Request, get, route
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Server, Tag
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp

from imagegen_core.imagegen import ImageGen
from imagegen_core.images import MediaType
from imagegen_core.messages import Language
from imagegen_core.ports.gallery import ImageFilter, ImageList
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.requests import Operation
from imagegen_core.search import Paging
from imagegen_core.task import TaskStatus
from imagegen_http.api.errors import READ, error_example
from imagegen_http.api.images import DeletedImage, Image
from imagegen_http.api.marks import EXAMPLE_COLLECTION, ZipBody
from imagegen_http.api.requests import ServiceDependency
from imagegen_http.api.streams import PartialImage, TaskChange, TaskProgress
from imagegen_http.api.tasks import Task
from imagegen_http.errors import TABLE
from imagegen_http.guard.access import COOKIE, Access, parse_origin
from imagegen_http.guard.asgi import InboundRequest, Scope, preferred_language
from imagegen_http.guard.bodies import EDITS, ZIP
from imagegen_http.guard.static import StaticContent, StaticFolder
from imagegen_http.openai.requests import ImageEdit, ImageEditForm
from imagegen_http.openai.responses import ImageCompleted, ImagePartial, OpenAIErrorEvent
from imagegen_http.schemas import (
    SCHEMAS,
    DescribedTypes,
    NoExample,
    example_of,
    request_example_of,
    schemas_of,
    short_name,
    unwrapped,
)
from imagegen_http.service import Service

DESCRIPTION = """
Self-hosted image generation: a durable queue, stored images, Chinese search.

**How to get an image**

1. `POST /api/v1/tasks/generate` answers 202 with a `task_id`. From then on the task survives a restart.

2. `GET /api/v1/tasks/{task_id}` shows it; when `status` is `completed`, `failed` or `cancelled`, it has
ended. `GET /api/v1/tasks/{task_id}/events` tells each step as it happens, and `Prefer: wait=60` with the
first request waits for the end.

3. `GET` the `image_url` of the task: these are the bytes of its first image.

The examples use the built-in provider `demo`, which draws offline and free of charge, so that each of them
can be sent as it is. Those that name a task or an image name the newest one of this server, if there is
one.

Every answer below `/api/v1` is `{"code": 0, "message": "success", "data": …}`. An error has another `code`,
its HTTP status is `code // 100`, and `data.error` is a stable slug to decide by. `Accept-Language` chooses
between Chinese (the default) and English messages.
"""

TAGS = [
    Tag(name="tasks", description="Make images, and see what becomes of the requests: begin here"),
    Tag(name="operations", description="Make images from images; each makes a task, as a generation does"),
    Tag(name="batches", description="Many tasks of one request, with a ceiling of money"),
    Tag(name="images", description="What was made: list, search, download, delete, restore"),
    Tag(name="collections", description="Named sets of images; an image may be in several"),
    Tag(name="styles", description="Patterns of prompts that everybody here can use"),
    Tag(name="providers", description="What can be asked for images, and how it is configured"),
    Tag(name="webhooks", description="Who hears of tasks that end, and what was delivered"),
    Tag(name="openai", description="The same queue for clients of OpenAI's Images API"),
    Tag(name="storage", description="Maintenance of the stores and of the search index, by hand"),
    Tag(name="settings", description="The settings that hold now"),
    Tag(name="health", description="For people, supervisors and load balancers; never needs a token"),
]
"""Groups, in the order of the page."""

_SERVER = Server(url=".", description="where this document comes from, below whatever prefix a proxy has")
_COMPONENTS = Components(
    security_schemes={
        "token": SecurityScheme(
            type="http",
            scheme="bearer",
            description="The access token, `server.auth_token`. Without that setting nothing needs one.",
        ),
        "session": SecurityScheme(
            type="apiKey",
            name=COOKIE,
            security_scheme_in="cookie",
            description="The cookie that `/login` sets, which a browser sends along. It works from our own "
            "pages and for the bytes of images.",
        ),
    }
)


def is_public(path: str) -> bool:
    return path.startswith("/health")


def in_order(paths: dict[str, Any]) -> dict[str, Any]:
    """Order paths by group, and within a group and a path what deletes last."""
    ranks = {tag.name: rank for rank, tag in enumerate(TAGS)}

    def place(path: str) -> tuple[int, bool]:
        (tag, *_) = next(iter(paths[path].values()))["tags"]
        return ranks.get(tag, len(ranks)), "delete" in paths[path]

    return {
        path: dict(sorted(paths[path].items(), key=lambda method: method[0] == "delete"))
        for path in sorted(paths, key=place)
    }


_JSON = "application/json"


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """Add an example wherever one can be made; a test lists what has none."""
    schemas = document["components"]["schemas"]
    for operation in operations(document):
        for content in _json(operation["responses"].values()):
            for example in content.get("examples", {}).values():
                del example["id"]  # Litestar's, unknown to OpenAPI
            if "examples" not in content:
                with contextlib.suppress(NoExample):
                    content["example"] = example_of(content["schema"], schemas)
        for content in _json([operation.get("requestBody", {})]):
            with contextlib.suppress(NoExample):
                content["example"] = request_example_of(content["schema"], schemas)
        for parameter in operation.get("parameters", ()):
            for example in parameter["schema"].pop("examples", ()):
                parameter["example"] = example
    return document


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()


def _json(bodies: Any) -> Iterator[dict[str, Any]]:
    return (body["content"][_JSON] for body in bodies if _JSON in body.get("content", {}))


_BYTES = {"type": "string", "format": "binary"}
_EVENT_STREAM = "text/event-stream"
_SEARCH = "/api/v1/images/search"
_RERUN = "/api/v1/tasks/{task_id}/rerun"
_MEDIA_TYPES = {
    "content": tuple(map(str, MediaType)),
    "thumbnail": ("image/webp",),
    "response": ("application/octet-stream",),
}
_TASK_EVENTS = {
    "snapshot": (Task,),
    "progress": (TaskProgress,),
    "partial_image": (PartialImage,),
    "image": (Image, DeletedImage),
    **dict.fromkeys(("completed", "failed", "cancelled"), (Task,)),
}
_OPENAI_EVENTS = {
    **dict.fromkeys(("image_generation.partial_image", "image_edit.partial_image"), (ImagePartial,)),
    **dict.fromkeys(("image_generation.completed", "image_edit.completed"), (ImageCompleted,)),
    "error": (OpenAIErrorEvent,),
}

_EXTRA_SCHEMAS = {
    *(shape for events in (_TASK_EVENTS, _OPENAI_EVENTS) for shapes in events.values() for shape in shapes),
    *(TaskChange, ImageEdit, ImageEditForm, ZipBody),
}
"""Schemas that no handler's signature has."""

LITESTARS_PATH = "/openapi"


def openapi_config(version: str, *, needs_token: bool) -> OpenAPIConfig:
    """Return Litestar's configuration; the application leaves out the routes that it would add."""
    return OpenAPIConfig(
        title="imagegen",
        version=version,
        description=unwrapped(DESCRIPTION),
        servers=[_SERVER],
        tags=TAGS,
        license=License(name="MIT", identifier="MIT"),
        components=_COMPONENTS,
        security=[*([] if needs_token else [{}]), {"token": []}, {"session": []}],
        path=LITESTARS_PATH,
        render_plugins=[JsonRenderPlugin()],
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
    )


def openapi_document(app: Litestar, language: Language = Language.EN) -> dict[str, Any]:
    """Return the document in a language, built once for each application."""
    documents = app.state.setdefault("openapi_documents", {})
    if language not in documents:
        is_english = language is Language.EN
        documents[language] = _document(app) if is_english else in_chinese(openapi_document(app))
    document: dict[str, Any] = documents[language]
    return document


def _operation_id(handler: HTTPRouteHandler, method: Any, _: Any) -> str:
    return f"head_{handler.handler_name}" if method == "HEAD" else handler.handler_name


def _document(app: Litestar) -> dict[str, Any]:
    document = app.openapi_schema.to_schema()
    schemas = schemas_of(app.plugins.get(DescribedTypes).types | _EXTRA_SCHEMAS)
    document["components"]["schemas"] = {short_name(name): schema for name, schema in schemas.items()}
    for path in EDITS:
        document["paths"][path]["post"]["requestBody"] = {
            "required": True,
            "content": {_JSON: _schema(ImageEdit), "multipart/form-data": _schema(ImageEditForm)},
        }
    document["paths"][ZIP]["post"]["requestBody"] = {"required": True, "content": {_JSON: _schema(ZipBody)}}
    document["paths"][_RERUN]["post"]["requestBody"]["required"] = False  # Litestar says true of all
    for parameter in document["paths"][_SEARCH]["get"]["parameters"]:  # Litestar says optional
        parameter["required"] = parameter["required"] or parameter["name"] == "keyword"
    document["paths"] = in_order(document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            operation["responses"] = _responses(path, method, operation["responses"])
            if is_public(path):
                operation["security"] = []
    for operation in operations(document):
        _describe(operation)
    return with_examples(_with_short_names(document))


def _describe(operation: dict[str, Any]) -> None:
    """Make the docstring's first paragraph the summary, and tidy the parameters."""
    summary, _, more = unwrapped(operation.pop("description")).partition("\n\n")
    operation.pop("deprecated", None)
    operation |= {"summary": summary.removesuffix("."), "description": more}
    for parameter in operation.get("parameters", ()):
        schema = {name: value for name, value in parameter["schema"].items() if name != "description"}
        (only,) = schema.pop("allOf", [{}])
        for choice in schema.pop("oneOf", ()):  # an optional parameter is never null
            only |= choice if choice != {"type": "null"} else {}
        described = {name: parameter[name] for name in ("name", "in", "description", "required")}
        parameter.clear()
        parameter |= {**described, "schema": only | schema}


def _responses(path: str, method: str, responses: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in str(responses.get("400", "$ref")):
        del responses["400"]  # Litestar's own, which is never sent
    match path.split("/"):
        case ["", "v1", "images", "generations" | "edits"]:
            responses["200"]["content"][_EVENT_STREAM] = _events(_OPENAI_EVENTS)
        case ["", "api", "v1", "events"]:
            responses["200"]["content"][_EVENT_STREAM] = _events({"task": (TaskChange,)})
        case [*_, "events"]:
            responses["200"]["content"][_EVENT_STREAM] = _events(_TASK_EVENTS)
        case [*_, "images" | "{batch_id}", "zip"]:
            responses["200"] = {
                "description": "the zip file",
                "content": {"application/zip": {"schema": _BYTES}},
            }
        case [*_, ("content" | "thumbnail" | "response") as name]:
            content: dict[str, Any] = {"content": {kind: {"schema": _BYTES} for kind in _MEDIA_TYPES[name]}}
            description = "what was kept" if name == "response" else "the image"
            responses |= {
                "200": {"description": description, **content},
                "206": {"description": "a range of it", **content},
                "304": {"description": "not changed"},
                "416": {"description": "no such range"},
            }
    if method == "head":
        responses = {status: {"description": answer["description"]} for status, answer in responses.items()}
    return dict(sorted(responses.items()))


def _events(events: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Describe a stream by one event, as OpenAPI does; a single kind is text, or generators misread it."""
    event = _choice("oneOf", [_event(name, shapes) for name, shapes in events.items()])
    if len(events) > 1:
        return {"schema": event}
    return {"schema": {"type": "string", "contentMediaType": _EVENT_STREAM, "contentSchema": event}}


def _event(name: str, shapes: tuple[Any, ...]) -> dict[str, Any]:
    data = _choice("anyOf", [_schema(shape)["schema"] for shape in shapes])
    return {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "id": {"type": "string", "description": "for `Last-Event-ID`"},
            "event": {"const": name},
            "data": {"type": "string", "contentMediaType": _JSON, "contentSchema": data},
        },
    }


def _choice(keyword: str, schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return {keyword: schemas} if len(schemas) > 1 else schemas[0]


def _schema(shape: type[msgspec.Struct]) -> dict[str, Any]:
    return {"schema": {"$ref": f"{SCHEMAS}{shape.__name__}"}}


def _with_short_names(document: dict[str, Any]) -> Any:
    text = msgspec.json.encode(document).decode()
    return msgspec.json.decode(re.sub(f'"{SCHEMAS}[^"]+"', lambda ref: short_name(ref[0]), text))


# ---------------------------------------------------------------- its Chinese

_TEXTS = frozenset({"description", "summary"})

_VALUES = frozenset({"example", "const", "enum", "default", "value"})
"""Keywords whose values are not translated."""

_NAMED = frozenset({"properties", "schemas", "paths"})
"""Keywords whose values have keys of ours, which may look like keywords."""


@cache
def chinese_texts() -> Mapping[str, str]:
    """Return the translations by English text, both without a final full stop."""
    return msgspec.yaml.decode((files("imagegen_http") / "chinese.yaml").read_bytes(), type=dict[str, str])


def in_chinese(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with Chinese texts and Chinese examples of errors."""
    texts = {**chinese_texts(), **{row.en: row.zh for row in TABLE.values()}}

    def translate(paragraph: str) -> str:
        sentence = paragraph.removesuffix(".")
        chinese = texts.get(sentence, sentence)
        return chinese if paragraph == sentence else f"{chinese}。"

    translated: dict[str, Any] = _mapped(document, translate)
    for operation in operations(translated):
        for content in _json(operation["responses"].values()):
            for slug, example in content.get("examples", {}).items():
                example["value"] = error_example(slug, Language.ZH)
    return translated


def _mapped(part: Any, change: Callable[[str], str], name: str = "") -> Any:
    """Map each paragraph of a part's texts; ``name`` is its keyword."""
    match part:
        case str() if name in _TEXTS:
            return "\n\n".join(map(change, part.split("\n\n")))
        case dict() if name in _NAMED:
            return {key: _mapped(item, change) for key, item in part.items()}
        case list() if name != "examples" and name not in _VALUES:
            return [_mapped(item, change) for item in part]
        case dict() if name not in _VALUES:
            return {key: _mapped(item, change, key) for key, item in part.items()}
        case _:
            return part


# ---------------------------------------------------------------- as this server sends it

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
    batch: str | None = None

    @classmethod
    async def read(cls, imagegen: ImageGen) -> "Newest":
        parts = imagegen.parts
        images = (await parts.images.list(ImageList(), _NEWEST)).items
        collections = await parts.marks.collections()
        batches = (await parts.batches.find(None, _NEWEST)).items
        tasks = (await parts.tasks.find(TaskFilter(), Paging())).items
        ended = [
            task
            for status in (TaskStatus.FAILED, TaskStatus.CANCELLED)
            for task in (await parts.tasks.find(TaskFilter(status=status), _NEWEST)).items
        ]
        input_task = next((task.task_id for task in tasks if task.request.inputs), None)
        if input_task is None:
            kinds = [operation for operation in Operation if operation.rules.has_input_images]
            lists = [ImageList(criteria=ImageFilter(operation=operation)) for operation in kinds]
            edited = [hit.image for one in lists for hit in (await parts.images.list(one, _NEWEST)).items]
            input_task = max(edited, key=lambda image: image.id).task_id if edited else None
        return cls(
            task=tasks[0].task_id if tasks else None,
            input_task=input_task,
            failed_task=ended[0].task_id if ended else None,
            image=images[0].image.id if images else None,
            collection=collections[0].id if collections else None,
            batch=batches[0].batch_id if batches else None,
        )


def with_newest(document: Mapping[str, Any], newest: Newest) -> dict[str, Any]:
    """Put these ids into the examples of parameters and bodies."""
    paths: dict[str, Any] = deepcopy(document["paths"])
    for path, item in paths.items():
        tasks = {_RETRY: newest.failed_task, _INPUTS: newest.input_task}
        task = next((task for part, task in tasks.items() if part in path), newest.task)
        ids = {"task_id": task, "image_id": newest.image, "collection_id": newest.collection}
        ids["batch_id"] = newest.batch
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
_PAGE_TEXTS: Mapping[Language, Mapping[str, str]] = {
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
    html = _PAGE.format(root=root, **words, **_PAGE_TEXTS[language])
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
