"""The document as it is sent: encoded and compressed once for each language, until a record is newer."""

import asyncio

import msgspec
from litestar import Litestar

from imagegen_core.messages import Language
from imagegen_http.asgi.static_content import StaticContent
from imagegen_http.documentation.document import openapi_document
from imagegen_http.documentation.newest import Newest, with_newest


class Renderings:
    """The documents of an application; the latest of each language is kept."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._latest: dict[Language, tuple[Newest, StaticContent]] = {}
        self._lock = asyncio.Lock()

    async def content(self, language: Language, newest: Newest) -> StaticContent:
        """Return the document with examples that name these records.

        It is made in a thread, since the first one takes half a second, and by one caller at a time.
        """
        async with self._lock:
            latest = self._latest.get(language)
            if latest is None or latest[0] != newest:
                content = await asyncio.to_thread(self._render, language, newest)
                latest = self._latest[language] = newest, content
        return latest[1]

    def _render(self, language: Language, newest: Newest) -> StaticContent:
        document = with_newest(openapi_document(self._app, language), newest)
        return StaticContent.compress(msgspec.json.encode(document), "application/json")
