"""Validators of single settings; unlike those of attrs, they describe the mistake in a sentence."""

from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.problems.fields import ProblemCode, range_problem
from imagegen_core.providers.addresses import parse_host_and_port
from imagegen_core.providers.config_checks import check_provider_name
from imagegen_http.guard.forwarding import parse_network, parse_origin, parse_page_origin
from imagegen_http.guard.hosts import AllowedHosts
from imagegen_http.settings.database_url import check_database_url, parameter_problem
from imagegen_http.settings.messages import SettingCode

_MAX_PRODUCER_CHARS = 1000


class InvalidValue(ValueError):
    """A value that cannot be used; ``field`` is its key within its section, where that is known."""

    def __init__(self, reason: Message, field: str | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.field = field


def within(minimum: float | None = None, maximum: float | None = None) -> Any:
    """Return a validator of numbers."""

    def check(_: object, field: "attrs.Attribute[Any]", value: float) -> None:
        if reason := range_problem(value, minimum=minimum, maximum=maximum):
            raise InvalidValue(reason, field.name)

    return check


def one_of(*choices: str) -> Any:
    """Return a validator of texts."""

    def check(_: object, field: "attrs.Attribute[Any]", value: str) -> None:
        if value not in choices:
            raise InvalidValue(ProblemCode.NOT_ONE_OF(choices=choices), field.name)

    return check


def members(*choices: str) -> Any:
    """Return a validator of lists that hold at least one of the choices, each once, and nothing else."""

    def check(_: object, field: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
        if not value or not set(value) <= set(choices):
            raise InvalidValue(SettingCode.NOT_MEMBERS(choices=choices), field.name)
        for choice in choices:
            if value.count(choice) > 1:
                raise InvalidValue(SettingCode.MEMBER_TWICE(value=choice), field.name)

    return check


def positive(_: object, field: "attrs.Attribute[Any]", value: float) -> None:
    """Refuse zero and less."""
    if value <= 0:
        raise InvalidValue(ProblemCode.NOT_ABOVE(limit=0), field.name)


def producer(_: object, field: "attrs.Attribute[Any]", value: str) -> None:
    """Refuse a name that no label has room for."""
    if len(value) > _MAX_PRODUCER_CHARS:
        raise InvalidValue(ProblemCode.TOO_LONG(maximum=_MAX_PRODUCER_CHARS), field.name)


def token(_: object, field: "attrs.Attribute[Any]", value: str | None) -> None:
    """Refuse spaces around it."""
    if value and value != value.strip():
        raise InvalidValue(SettingCode.SPACES_AROUND(), field.name)


def hosts(_: object, field: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    """Refuse names that can never be a Host."""
    for name in value:
        try:
            AllowedHosts(bind_host="127.0.0.1", names=(name,))
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_A_HOST(value=name), field.name) from error


def public_url(_: object, field: "attrs.Attribute[Any]", value: str | None) -> None:
    """Refuse what is no origin."""
    if value is not None:
        try:
            parse_origin(value)
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_A_PUBLIC_URL(), field.name) from error


def database_url(_: object, field: "attrs.Attribute[Any]", value: str | None) -> None:
    """Refuse what is no URL of a PostgreSQL database."""
    if value is not None:
        try:
            check_database_url(value)
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_A_DATABASE_URL(), field.name) from error
        if problem := parameter_problem(value):
            raise InvalidValue(problem, field.name)


def networks(_: object, field: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    """Refuse what is neither an address nor a network."""
    for text in value:
        try:
            parse_network(text)
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_A_NETWORK(value=text), field.name) from error


def addresses(_: object, field: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    """Refuse what is not ``host:port``."""
    for entry in value:
        try:
            parse_host_and_port(entry)
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_HOST_AND_PORT(), field.name) from error


def page_origins(_: object, field: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    """Refuse what is no origin, and what is that of anybody's pages."""
    for text in value:
        try:
            parse_page_origin(text)
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_A_PAGE_ORIGIN(value=text), field.name) from error


def provider_name(_: object, field: "attrs.Attribute[Any]", value: str) -> None:
    """Refuse what cannot be the name of a provider."""
    try:
        check_provider_name(value, field.name)
    except ValidationFailed as error:
        raise InvalidValue(error.problems[0].reason, field.name) from error
