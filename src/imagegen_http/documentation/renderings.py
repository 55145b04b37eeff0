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

    async def content(self, language: Language, newest: Newest) -> StaticContent:
        """Return the document with examples that name these records."""
        latest = self._latest.get(language)
        if latest is None or latest[0] != newest:
            document = with_newest(openapi_document(self._app, language), newest)
            content = await asyncio.to_thread(
                StaticContent.compress, msgspec.json.encode(document), "application/json"
            )
            latest = self._latest[language] = newest, content
        return latest[1]
