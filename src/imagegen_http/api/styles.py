"""Styles: patterns of prompts with parameters, those that ship and those that people keep here."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec
from litestar.params import JSONBody
from msgspec import Meta

from imagegen_core import batch as core
from imagegen_core import limits
from imagegen_core.errors import StyleNotFound
from imagegen_core.search import Page
from imagegen_http.api import requests
from imagegen_http.api.errors import delete, get, post
from imagegen_http.api.requests import ServiceDependency, path, query
from imagegen_http.api.responses import DELETED, Deleted, ListPage, Success, listed, success
from imagegen_http.schemas import Answer, Body, JsonObject, Shown, doc
from imagegen_http.service import Service

# ---------------------------------------------------------------- bodies and answers

_ID_PATTERN = "^[a-z0-9][a-z0-9-]{0,63}$"
_ID = "a-z, 0-9 and hyphens; that of a style which is there replaces it, left out a new one is made"
_PATTERN = "a pattern with `{prompt}`, the place of somebody's own; `{{` and `}}` are braces"
_NEGATIVE = "what is not to be seen, for models that take it"
_VARIABLES = "values that are proposed for other names in braces of the pattern"
_IMAGE = "id of an image that shows what it does"
_PARAMS = "parameters of the model, as far as it has them"
_EXAMPLE = "red-backdrop"
_EXAMPLE_STYLE = {"id": _EXAMPLE, "name": {"zh": "红底"}, "prompt": {"zh": "{prompt}，置于纯红色背景前"}}
_STYLES = "styles as `GET /api/v1/styles` shows them; those that are not named stay"


class InLanguages(Body, frozen=True, kw_only=True):
    """A text in Chinese, in English, or in both; a reader gets the other one where their own is empty."""

    zh: Annotated[str, doc("in Chinese", "红色背景")] = ""
    en: Annotated[str, doc("in English", "Red backdrop")] = ""


class NewStyle(Body, frozen=True, kw_only=True):
    """A style that is to be kept."""

    id: Annotated[str, doc(_ID, _EXAMPLE), Meta(pattern=_ID_PATTERN)] | None = None
    name: Annotated[InLanguages, doc(f"for people, up to {limits.MAX_STYLE_NAME_CHARS} characters")]
    prompt: Annotated[InLanguages, doc(_PATTERN, _EXAMPLE_STYLE["prompt"])]
    negative_prompt: Annotated[InLanguages, doc(_NEGATIVE)] = InLanguages()
    variables: Annotated[dict[str, list[str]], doc(_VARIABLES)] = msgspec.field(default_factory=dict)
    params: Annotated[JsonObject, doc(_PARAMS)] = msgspec.field(default_factory=dict)
    image_id: Annotated[int, doc(_IMAGE, ge=1, le=2**63 - 1)] | None = None
    shipped: Shown = None
    thumbnail: Shown = None

    def style(self, new_id: str = "") -> core.Style:
        """Return what the core keeps."""
        return core.Style(
            id=self.id or new_id,
            name=_by_language(self.name),
            prompt=_by_language(self.prompt),
            negative_prompt=_by_language(self.negative_prompt),
            variables={name: tuple(values) for name, values in self.variables.items()},
            params=self.params,
            image_id=self.image_id,
        )


class NewStyles(Body, frozen=True, kw_only=True):
    """Styles that are to be kept."""

    styles: Annotated[
        list[NewStyle], doc(_STYLES, [_EXAMPLE_STYLE], min_length=1, max_length=limits.MAX_STYLES)
    ]


class Style(Answer, frozen=True, kw_only=True):
    """A pattern around somebody's prompt, and parameters that go well with it."""

    id: Annotated[str, doc("id of the style", _EXAMPLE)]
    name: Annotated[InLanguages, doc("for people")]
    prompt: Annotated[InLanguages, doc(_PATTERN, _EXAMPLE_STYLE["prompt"])]
    negative_prompt: Annotated[InLanguages, doc(_NEGATIVE)]
    variables: Annotated[dict[str, list[str]], doc(_VARIABLES, {})]
    params: Annotated[JsonObject, doc(_PARAMS, {})]
    image_id: Annotated[int | None, doc(_IMAGE, None)]
    shipped: Annotated[bool, doc("whether it is as it came with this version", example=False)]
    thumbnail: Annotated[str | None, doc("path of a small image of it, which may be gone", None)]

    @classmethod
    def from_style(cls, style: core.Style) -> "Style":
        thumbnail = None if style.image_id is None else f"/api/v1/images/{style.image_id}/thumbnail"
        if thumbnail is None and style.id in shipped_styles():
            thumbnail = f"/console/styles/{style.id}.webp"
        return cls.from_attributes(
            style,
            name=InLanguages(**style.name),
            prompt=InLanguages(**style.prompt),
            negative_prompt=InLanguages(**style.negative_prompt),
            variables={name: list(values) for name, values in style.variables.items()},
            params=dict(style.params),
            shipped=shipped_styles().get(style.id) == style,
            thumbnail=thumbnail,
        )


def _by_language(text: InLanguages) -> dict[str, str]:
    return {language: value for language in ("zh", "en") if (value := getattr(text, language).strip())}


@cache
def shipped_styles() -> Mapping[str, core.Style]:
    """Return the styles that come with this version, by id, in the order in which they are shown."""
    text = files("imagegen_http").joinpath("styles.json").read_bytes()
    return {style.id: style.style() for style in msgspec.json.decode(text, type=list[NewStyle]) if style.id}


# ---------------------------------------------------------------- routes

_StylePath = Annotated[str, path("id of a style", _EXAMPLE, _ID_PATTERN[1:-1])]


async def _all(service: Service) -> dict[str, core.Style]:
    return {**shipped_styles(), **{style.id: style for style in await service.imagegen.parts.marks.styles()}}


@get("/api/v1/styles", "styles", "validation_failed")
async def list_styles(
    service: ServiceDependency,
    page: requests.PageQuery = 1,
    page_size: Annotated[
        int, query("items a page; all of them when left out", ge=1, le=2 * limits.MAX_STYLES)
    ] = 2 * limits.MAX_STYLES,
) -> Success[ListPage[Style]]:
    """List all styles: those that ship, then those that were saved here, newest first.

    The `items` are what `POST /api/v1/styles` takes as `styles`, so that they can be carried elsewhere.
    """
    shown = Page.of_all(tuple((await _all(service)).values()), number=page, size=page_size)
    return listed(shown, Style.from_style, number=page, size=page_size)


@post("/api/v1/styles", "styles")
async def save_styles(data: JSONBody[NewStyles], service: ServiceDependency) -> Success[ListPage[Style]]:
    """Save styles, each in place of that with its id: all of them or, if one is refused, none.

    A style that ships can be changed so; to delete what was saved, or to save it as it came, brings it back.
    """
    parts = service.imagegen.parts
    styles = [style.style(parts.new_id()) for style in data.styles]
    for number, style in enumerate(styles):
        style.check(f"styles.{number}")
    as_shipped = {style.id for style in styles if shipped_styles().get(style.id) == style}
    changed = [style for style in styles if style.id not in as_shipped]
    await parts.marks.change_styles(changed, as_shipped)
    size = limits.MAX_STYLES
    return listed(Page.of_all(styles, number=1, size=size), Style.from_style, number=1, size=size)


@get("/api/v1/styles/{style_id:str}", "styles", "style_not_found")
async def get_style(style_id: _StylePath, service: ServiceDependency) -> Success[Style]:
    """Show a style.

    As `GET /api/v1/styles` lists it.
    """
    if (style := (await _all(service)).get(style_id)) is None:
        raise StyleNotFound(style_id[:64])
    return success(Style.from_style(style))


@delete("/api/v1/styles/{style_id:str}", "styles", "style_not_found")
async def delete_style(style_id: _StylePath, service: ServiceDependency) -> Deleted:
    """Delete a style that was saved here.

    One that ships is then as it came. Images that were made with it stay.
    """
    marks = service.imagegen.parts.marks
    if style_id not in {style.id for style in await marks.styles()}:
        raise StyleNotFound(style_id[:64])
    await marks.change_styles(removed={style_id})
    return DELETED
