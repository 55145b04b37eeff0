"""The OpenAPI document of an application without a server."""

from functools import cache

from imagegen_adapters.memory import in_memory
from imagegen_core.messages import Language
from imagegen_http.app import build_app
from imagegen_http.document import openapi_document
from imagegen_http.service import Service
from imagegen_http.settings.schema import Settings

JSON = "application/json"


def document(language=Language.EN, settings=None):
    """Return the document in a language; that of the default settings is made once."""
    app = _default_application() if settings is None else application(settings)
    return openapi_document(app, language)


@cache
def _default_application():
    return application()


def application(settings=None):
    """Return an application without a server."""
    service = Service(
        imagegen=in_memory(),
        settings=settings or Settings(),
        version="0",
        started_at=0,
        store=None,
        free_bytes=None,
        listens_on=None,
        maintenance=None,
        search_index=None,
        feed_watch=None,
        links=None,
        webhooks=None,
    )
    return build_app(service)


def operations(document):
    """Return the operations of a document by ``METHOD /path``."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
