"""Which names the templates of a call mention."""

from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.operation import OperationSpec
from imagegen_core.providers.size_presets import SIZE_NAMES
from imagegen_core.values.identity_cache import IdentityCache

_MENTIONS: IdentityCache[dict[str, bool]] = IdentityCache()


def mentions(document: Document, operation: OperationSpec, name: str) -> bool:
    """Return whether the operation's paid request uses a parameter, by its name or as ``params.name``."""
    names = _MENTIONS.result_for((document, operation), dict)
    if name not in names:
        names[name] = _mentions(document, operation, name)
    return names[name]


def mentions_size(document: Document, calls: tuple[OperationSpec, ...]) -> bool:
    """Return whether any of the calls uses a size."""
    return any(mentions(document, call, name) for call in calls for name in SIZE_NAMES)


def _mentions(document: Document, operation: OperationSpec, name: str) -> bool:
    templates = [*operation.request.templates, *document.headers.values()]
    if any(t.mentions("vars") for t in templates):
        templates += document.vars.values()
    return any(t.mentions(name) or t.mentions(f"params.{name}") for t in templates)
