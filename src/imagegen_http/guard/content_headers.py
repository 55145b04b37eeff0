"""What the head of a request says of its body: the type, and the size; and which of them a path accepts."""

from imagegen_core.operations import OPENAI_EDITS, OPERATIONS
from imagegen_http.guard.inbound_request import InboundRequest
from imagegen_http.guard.refusals import RequestRefused
from imagegen_http.guard.rules import GuardRules
from imagegen_http.problems.messages import RequestProblem

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
VARIATIONS = "/v1/images/variations"
MULTIPART = frozenset({OPENAI_EDITS, VARIATIONS})
"""Where images come as files of a form, too, as OpenAI's clients send them."""

UPLOADS = MULTIPART | {rules.path for rules in OPERATIONS.values() if rules.has_input_images}
"""Where a body holds images."""

FORMS = frozenset({"/login", "/logout"})
ZIP = "/api/v1/images/zip"
"""Takes a form, too: the page that posts one gets a download, of which it has to hold nothing in memory."""

_MAX_FORM_BYTES = 16 * 1024


def max_bytes(request: InboundRequest, rules: GuardRules) -> int:
    """Return the maximum size of this request's body, in bytes."""
    if request.path in FORMS:
        return _MAX_FORM_BYTES
    return rules.max_upload_bytes if request.path in UPLOADS else rules.max_body_bytes


def media_type(request: InboundRequest) -> str:
    """Return the declared media type in lower case, without parameters; ``""`` if none is declared."""
    return request.header(b"content-type").partition(";")[0].strip().lower()


def has_wrong_type(request: InboundRequest) -> bool:
    """Return whether the declared type and content coding are not those that the path accepts.

    A page of another site can send plain text, a form or multipart without a CORS preflight, but not JSON.
    """
    if request.header(b"content-encoding").lower() not in ("", "identity"):
        return True
    if not request.is_api and request.path not in FORMS:
        return False
    return media_type(request) not in accepted_types(request.path)


def accepted_types(path: str) -> tuple[str, ...]:
    """Return the media types that a path takes."""
    if path in FORMS:
        return (FORM,)
    if path == ZIP:
        return (JSON, FORM)
    return (JSON, "multipart/form-data") if path in MULTIPART else (JSON,)


def content_length(request: InboundRequest) -> int | None:
    """Return the Content-Length, 0 without a body, None for a chunked body.

    Raises:
        RequestRefused: the Content-Length is no number, or the body is chunked as well: a proxy in front of
            us may have gone by the other header and would take the rest for a second request, which is
            request smuggling (RFC 9112, section 6.3).
    """
    length = request.header(b"content-length")
    if request.header(b"transfer-encoding"):
        if length:
            raise RequestRefused.for_field("body", RequestProblem.TWO_LENGTHS())
        return None
    if not length:
        return 0
    if not (length.isascii() and length.isdigit() and len(length) < 20):  # noqa: PLR2004 - more than 2**64
        raise RequestRefused.for_field("body", RequestProblem.LENGTH_NOT_A_NUMBER())
    return int(length)
