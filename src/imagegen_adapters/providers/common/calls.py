"""What calls of all providers share: keys, time-outs, polls, waits and messages; and facts of models."""

import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, partial
from importlib import resources
from typing import Any

import attrs
import httpx
import yaml

from imagegen_adapters.outbound.errors import map_transport_errors
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import MAX_MESSAGE_CHARS, CallError, Failure, FailureCode, ValidationFailed
from imagegen_core.facts import Price, Source, fields_of, parse_date, parse_price, parse_source
from imagegen_core.messages import Message, MessageCode, ProblemCode, RefusalCode
from imagegen_core.models import Lifecycle, Model, Parameter
from imagegen_core.ports.provider import Exchange, Probe, ProviderCall
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.secrets import Secret, without


class InputCode(MessageCode, words="imagegen_adapters"):
    """Rules of providers about what comes with a request. Each sentence goes on after the field's name."""


class ResponseCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with a provider's response, or with the call that brought it."""


MAX_ERROR_BYTES = 64 * 1024  # the part of an error response that is read
MAX_REFUSALS = 3  # of the key, or unreadable states, one after the other: then the job is given up
MAX_RETRY_AFTER_SECONDS = 1_000_000_000.0  # thirty years, finite for arithmetic; callers cap it further
UPLOAD_SECONDS = 3600.0  # for the requests of a batch job
MAX_BATCH_PAGES = 200  # of a list of batch jobs
CUT_OFF = (httpx.HTTPError, TimeoutError)
_CONNECT_SECONDS = 10.0
_FINAL_CODES = frozenset((FailureCode.AUTH_FAILED, FailureCode.RESULT_EXPIRED))
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_MAX_DATE_CHARS = 100

# Each expression consumes every start that it meets, so that matching takes linear time.
# A query ends at white space only: a key in it may contain a quote.
_QUERY = re.compile(r"(https?://[^\s?#\"']*)(?:[?#]\S*)?")
_TAG = re.compile(r"<(?:(/?)(script|style)\b)?[^<>]*>", re.IGNORECASE)


class OneShot:
    """The base of a provider whose calls end with their answer: one image a call, no job, no free request."""

    extra_keys: frozenset[str] = frozenset()

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        return request.split()

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        raise CallError(FailureCode.RESULT_EXPIRED, ResponseCode.NO_JOBS())

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Do nothing: what was begun cannot be stopped."""

    async def probe(self, config: ProviderConfig) -> Probe:
        return Probe(ok=True, detail=ResponseCode.NOT_PROBED(), verified=False)


def configured_headers(config: ProviderConfig) -> dict[str, str]:
    """Return the headers by lower-case name."""
    headers = config.extra_config.get("headers") or {}
    texts = (*headers, *headers.values()) if isinstance(headers, Mapping) else (None,)
    if not all(isinstance(text, str) for text in texts):
        raise ValidationFailed.for_field("extra_config.headers", ProblemCode.NOT_STRINGS())
    return {name.lower(): value for name, value in headers.items()}


def two_part_key_problem(config: ProviderConfig, form: str) -> Message | None:
    """Return what is wrong with a key whose ``form`` is like ``user:password``; None if nothing is."""
    key = config.api_key
    is_wrong = key is not None and not key.locked and ":" not in key.reveal()
    return InputCode.KEY_FORM(form=form) if is_wrong else None


def malformed_key(form: str) -> Message:
    """Return that problem as a sentence of its own."""
    return RefusalCode.PROBLEM(field="api_key", reason=InputCode.KEY_FORM(form=form))


def basic_auth(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def call_timeout(seconds: float) -> httpx.Timeout:
    """Return time-outs of which connecting expires first, since that proves that nothing was started."""
    return httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds / 2), pool=seconds / 2)


async def read_at_most(
    response: httpx.Response, max_bytes: int = MAX_ERROR_BYTES, *, cut_off: tuple[type[Exception], ...] = ()
) -> bytes:
    """Return the body, or its first ``max_bytes`` bytes, or as much as arrives before one of ``cut_off``."""
    body = bytearray()
    with contextlib.suppress(*cut_off):
        async for chunk in response.aiter_bytes():
            body += chunk[: max_bytes - len(body)]
            if len(body) >= max_bytes:
                break
    return bytes(body)


async def read_error(response: httpx.Response) -> bytes:
    """Return as much of an error body as arrives: the status counts even if it is cut off."""
    return await read_at_most(response, cut_off=CUT_OFF)


_BY_STATUS: Mapping[int, FailureCode] = {
    401: FailureCode.AUTH_FAILED,
    403: FailureCode.AUTH_FAILED,
    407: FailureCode.AUTH_FAILED,
    408: FailureCode.OUTCOME_UNKNOWN,
    429: FailureCode.RATE_LIMITED,  # what limits rates refuses before it queues
}
_BY_CLASS: Mapping[int, FailureCode] = {
    1: FailureCode.BAD_RESPONSE,
    2: FailureCode.BAD_RESPONSE,  # a success status without the requested result
    3: FailureCode.REJECTED,  # redirects are not followed: the body would be sent twice, or elsewhere
    4: FailureCode.REJECTED,
}


def failure_of_status(status: int) -> FailureCode:
    """Return what the status of a paid call's response means, where the provider has no table of its own."""
    return _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, FailureCode.OUTCOME_UNKNOWN)


def free_failure(error: CallError) -> Failure:
    """Return the failure of a call that its batch job did not complete, and that costs nothing."""
    failure = error.failure
    is_known = failure.code not in (FailureCode.OUTCOME_UNKNOWN, FailureCode.TIMEOUT)
    return Failure(
        failure.code if is_known else FailureCode.UNAVAILABLE,
        failure.reason,
        possible_charge=False,
        upstream_status=failure.upstream_status,
        upstream_code=failure.upstream_code,
    )


def is_from_upstream(status: int, body: bytes) -> bool:
    """Return whether an error response is the provider's own, whose API speaks JSON, not a proxy's."""
    if httpx.codes.is_redirect(status) or status == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
        return False
    return isinstance(json_or_none(body), (dict, list))


def json_or_none(text: str | bytes) -> Any:
    """Parse a short JSON text; None for any other."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def as_object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def may_be_json(head: bytes) -> bool:
    """Return whether a body that starts so can be JSON; an HTML page cannot."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


@attrs.define
class PollFailures:
    """The failed polls of one job so far."""

    _last_error: CallError | None = None
    _refusals: int = 0

    def clear(self) -> None:
        self._last_error, self._refusals = None, 0

    def tolerate(self, error: CallError, *, from_upstream: bool, is_unreadable: bool = False) -> float:
        """Return 0 seconds if the job is to be polled again; a readable state may follow."""
        self._last_error = error
        if from_upstream:
            self._refusals += 1
            is_final = error.failure.code is not FailureCode.AUTH_FAILED and not is_unreadable
            if is_final or self._refusals >= MAX_REFUSALS:
                raise error
        return 0.0

    def timeout_error(self, seconds: float) -> CallError:
        """Return the error of a job that was too slow: the last one, if that was final."""
        reason, last_error = ResponseCode.JOB_TOO_SLOW(seconds=seconds), self._last_error
        if last_error is None:
            return CallError(FailureCode.TIMEOUT, reason)
        failure = last_error.failure
        if failure.code in _FINAL_CODES:
            return last_error
        reason = ResponseCode.AT_LAST(reason=reason, trouble=failure.reason)
        return CallError(FailureCode.TIMEOUT, reason, upstream_status=failure.upstream_status)


def parse_retry_after(value: str | None, now: datetime | None) -> float | None:
    """Return ``Retry-After``, a number or a date minus ``now``; 0 to `MAX_RETRY_AFTER_SECONDS`, else None."""
    text = (value or "").strip()
    if (number := parse_seconds(text)) is not None:
        return number
    date = parse_http_date(text)
    return min(MAX_RETRY_AFTER_SECONDS, max(0.0, (date - now).total_seconds())) if date and now else None


def parse_seconds(text: str) -> float | None:
    """Return plain seconds, None for anything else: a sign, an exponent, more than nine digits."""
    return float(text) if _SECONDS.fullmatch(text) else None


def parse_http_date(value: str) -> datetime | None:
    """Return a header's date in UTC, None for anything else; a date without a zone counts as UTC."""
    if len(value) > _MAX_DATE_CHARS:
        return None
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):  # such as a zone of 100 hours, or year 0
        return None


@contextlib.asynccontextmanager
async def streamed_response(
    client: httpx.AsyncClient, request: httpx.Request
) -> AsyncIterator[httpx.Response]:
    """Send a request and yield the response; its body is read inside the context."""
    with map_transport_errors():
        response = await client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()


def shorten(text: str, secrets: Iterable[str | None] = ()) -> str:
    """Return a text on one line, without ``secrets`` and without queries of URLs, cut to 500 characters."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "****")
    bare = _QUERY.sub(r"\1", text)
    line = " ".join("".join(char if char.isprintable() else " " for char in bare).split())
    return line if len(line) <= MAX_MESSAGE_CHARS else line[: MAX_MESSAGE_CHARS - 1] + "…"


def without_secret(text: str, secret: Secret | None) -> str:
    """Remove every spelling of a key from text that will be stored or shown."""
    return text if secret is None else secret.give_to(partial(without, text))


def visible_text(page: str) -> str:
    """Return the visible text of an HTML page on one line, without tags and scripts; other text unchanged."""
    text, *tagged = _TAG.split(page)
    visible, hidden_tag = [text], ""
    for slash, name, content in zip(tagged[::3], tagged[1::3], tagged[2::3], strict=True):
        tag = (name or "").lower()
        if not hidden_tag and not slash:
            hidden_tag = tag
        elif slash and tag == hidden_tag:
            hidden_tag = ""
        if not hidden_tag:
            visible.append(content)
    return " ".join(" ".join(visible).split())


def with_model_warning(model: Model | None, code: FailureCode, reason: Message) -> Message:
    """Return why a call failed; if it was rejected, with the successor of a model that is being retired."""
    ending = None if model is None else model.warning_on(None)
    if ending is None or code is not FailureCode.REJECTED:
        return reason
    return ResponseCode.BLAMED_MODEL(warning=ending, reason=reason)


# ---------------------------------------------------------------- models
# Life, price and successor of those that no document describes, from `models.yaml`; others are active.

YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """Return YAML as built-in types; with libyaml, if PyYAML was built with it, ten times as fast."""
    return yaml.load(text, Loader=YAML_LOADER)  # noqa: S506 - both are safe loaders


_FIELDS = fields_of("imagegen_adapters")


def own_parameter(name: str, type: str = "string", *, words: str | None = None, **rules: Any) -> Parameter:
    """Return a parameter that a form describes by its ``words``; with choices it is one of them."""
    field = _FIELDS[words or name]
    return Parameter(name=name, type=type, form_field=field, **{"enum": tuple(field.choices), **rules})


@attrs.frozen(kw_only=True)
class ModelFacts:
    """What a description of a model takes from here."""

    lifecycle: Lifecycle = attrs.field(factory=Lifecycle)
    price: Price | None = None
    sources: tuple[Source, ...] = ()


def facts_of(model_id: str, *, provider: str) -> ModelFacts:
    """Return what is known of a model; a leading ``models/`` or ``publishers/…/models/`` is ignored.

    Another provider's model of that id tells its lifecycle: who passes calls on cannot serve it longer.
    """
    name, facts = model_id.rpartition("models/")[2], catalogue()
    return facts.get((provider, name)) or facts.get((None, name)) or ModelFacts()


def configured_model(
    entry: ModelEntry, operations: Iterable[Operation], *, provider: str | None = None, **traits: Any
) -> Model:
    """Return the model of an entry, whose ``capabilities`` select from the ``operations``."""
    chosen = tuple(operations)
    if entry.capabilities is not None:
        chosen = tuple(operation for operation in entry.capabilities if operation in chosen)
    facts = ModelFacts() if provider is None else facts_of(entry.id, provider=provider)
    facts_and_traits = {**attrs.asdict(facts, recurse=False), **traits}
    return Model(id=entry.id, name=entry.name, default=entry.default, operations=chosen, **facts_and_traits)


@cache
def catalogue() -> Mapping[tuple[str | None, str], ModelFacts]:
    """Return the facts by provider and id; those by None and id hold for every provider."""
    facts: dict[tuple[str | None, str], ModelFacts] = {}
    for listed in load_yaml(resources.files(__package__ or "").joinpath("models.yaml").read_text("utf-8")):
        sources = tuple(parse_source(each, "sources") for each in listed["sources"])
        for model in listed["models"]:
            retires, price = model.get("retires"), model.get("price")
            retires = None if retires is None else parse_date(retires, "retires")
            shared = ModelFacts(lifecycle=Lifecycle(retires=retires, replaced_by=model.get("replaced_by")))
            price = None if price is None else parse_price(price, "price")
            facts[None, model["id"]] = shared
            facts[listed["provider"], model["id"]] = attrs.evolve(shared, price=price, sources=sources)
    return facts
