"""The envelope of an error."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from imagegen_http.answers.fields import Answer, doc
from imagegen_http.problems.error_table import TABLE


class FieldProblem(Answer, frozen=True, kw_only=True):
    """What is wrong with one field of a request."""

    field: Annotated[str, doc("its dotted path in the body, or the name of a parameter", "params.prompt")]
    code: Annotated[str, doc("a stable slug of what is wrong", "required")]
    message: Annotated[str, doc("a sentence in the caller's language", "is required")]


class ErrorData(Answer, frozen=True, kw_only=True):
    """Which error it is, and what it is about."""

    error: Annotated[str, doc("a stable slug to decide by", "validation_failed", enum=list(TABLE))]
    request_id: Annotated[str, doc("as in `X-Request-Id` and in the log", "0193a5c87e1f7c3a9d526f0f5c1e2b7a")]
    hint: Annotated[str | UnsetType, doc("what the caller can do", "correct what errors lists")] = UNSET
    errors: Annotated[list[FieldProblem] | UnsetType, doc("what is wrong with the fields")] = UNSET
    provider: Annotated[str | UnsetType, doc("name of the provider", "demo")] = UNSET
    models: Annotated[list[str] | UnsetType, doc("ids of the models that there are", ["demo"])] = UNSET
    operation: Annotated[str | UnsetType, doc("the operation that was asked for", "edit")] = UNSET
    supported: Annotated[list[str] | UnsetType, doc("the operations that there are", ["generate"])] = UNSET
    field: Annotated[str | UnsetType, doc("the image that is not valid", "reference_images.0")] = UNSET
    max: Annotated[int | UnsetType, doc("how many there may be", 14)] = UNSET
    collection: Annotated[int | UnsetType, doc("id of the collection that has the name", 3)] = UNSET
    images: Annotated[list[int] | UnsetType, doc("ids of the images that it is about", [7])] = UNSET
    secret: Annotated[
        str | UnsetType,
        doc("what must come along", "api_key", enum=["api_key", "headers", "proxy", "credentials"]),
    ] = UNSET
    max_bytes: Annotated[int | UnsetType, doc("the largest body that is taken", 1_048_576)] = UNSET
    accepted: Annotated[
        list[str] | UnsetType, doc("the media types that the path takes", ["application/json"])
    ] = UNSET
    queue_size: Annotated[int | UnsetType, doc("how many tasks can wait", 1000)] = UNSET
    detail: Annotated[
        str | UnsetType, doc("a sentence about this request, in the caller's language", "no such model")
    ] = UNSET


class ErrorAnswer(Answer, frozen=True, kw_only=True):
    """The envelope of an error."""

    code: Annotated[int, doc("not 0; `code // 100` is the HTTP status", 40000)]
    message: Annotated[str, doc("a sentence in the caller's language", "the request is not valid")]
    data: Annotated[ErrorData, doc("which error it is, and what it is about")]
