"""Reads the API's responses, and says what is wrong with those that are not the API's."""

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imagegen_core.messages import Message, as_message
from imagegen_core.problems import RefusalCode
from imagegen_http.cli.messages import CommandCode, ConnectionCode

if TYPE_CHECKING:
    import httpx


_BODY_TOO_LARGE = 41300
_WITH_MESSAGE = frozenset(
    {"invalid_image", "not_found", "queue_full", "unavailable", "unsupported_operation"}
)
"""Errors whose ``detail`` does not say all of their ``message``."""
_MAX_DETAILS = 3


def envelope_of(response: "httpx.Response") -> dict[str, Any] | None:
    """Return the envelope that each response of the API has; None where it is somebody else's response."""
    try:
        body = response.json()
    except ValueError:
        return None
    is_ours = isinstance(body, dict) and isinstance(body.get("code"), int) and "data" in body
    return body if is_ours else None


def foreign_response(response: "httpx.Response") -> Message:
    """Return what a response without an envelope says about the server, or about the address."""
    from imagegen_http.cli.resending import GATEWAY_STATUSES

    if response.has_redirect_location:
        return ConnectionCode.REDIRECTS(target=_redirect_target(response))
    if response.status_code in GATEWAY_STATUSES:
        return ConnectionCode.GATEWAY(status=response.status_code)
    return ConnectionCode.FOREIGN(status=response.status_code)


def refusal_reason(body: Mapping[str, Any], names: Mapping[str, str]) -> Message:
    """Return the API's reason and the fields at fault, each by the name under which the user knows it."""
    data = body["data"] or {}
    details: list[Message] = [
        CommandCode.CONCERNING(subject=names.get(p["field"], p["field"]), reason=p["message"])
        for p in data.get("errors", [])
    ]
    if data.get("detail"):
        field, detail = str(data.get("field")), str(data["detail"])
        begins_with_field = field in names and detail.startswith(field)
        text = names[field] + detail.removeprefix(field) if begins_with_field else detail
        details.append(as_message(text))
    if body["code"] == _BODY_TOO_LARGE and names:
        details.insert(0, as_message(", ".join(dict.fromkeys(names.values()))))
    subject = str(body.get("message"))
    details = details[:_MAX_DETAILS]
    if data.get("hint") and data["hint"] not in _row_hints():
        details.append(as_message(str(data["hint"])))
    if not details:
        return as_message(subject)
    reason = RefusalCode.PROBLEMS(problems=tuple(details))
    if data.get("detail") and data.get("error") not in _WITH_MESSAGE:
        return reason
    return CommandCode.CONCERNING(subject=subject, reason=reason)


def _row_hints() -> frozenset[str | None]:
    """Return the hints for callers of the API, whatever the request was."""
    from imagegen_http.problems.error_table import TABLE

    return frozenset(hint for row in TABLE.values() for hint in (row.hint_en, row.hint_zh))


def _redirect_target(response: "httpx.Response") -> str:
    """Return where to, without what may be secret in an address, and without the path that was asked for."""
    import httpx

    location = response.headers["Location"]
    with contextlib.suppress(httpx.InvalidURL):
        url = response.url.join(location).copy_with(userinfo=b"", query=None, fragment=None)
        return str(url).removesuffix(response.url.path.rpartition("/api/v1/")[2]).removesuffix("/api/v1/")
    return "?"
