import inspect

import httpx
import pytest

from imagegen_adapters.outbound.addresses import AddressCode, NameLookupTimeout, NameNotResolved
from imagegen_adapters.outbound.errors import TRANSPORT_FAILURES, map_transport_errors
from imagegen_core.errors import CallError, FailureCode, UpstreamNotAllowed

EXCEPTIONS = [kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, Exception)]
SECRET = "sk-canary-0123456789"
REQUEST = httpx.Request("GET", f"https://api.example.com/v1?key={SECRET}")


def raised(kind):
    if kind is httpx.HTTPStatusError:
        return kind(SECRET, request=REQUEST, response=httpx.Response(503))
    if issubclass(kind, httpx.StreamError):
        return kind(SECRET) if kind is httpx.StreamError else kind()
    if issubclass(kind, httpx.HTTPError) and kind is not httpx.HTTPError:
        return kind(SECRET, request=REQUEST)
    return kind(SECRET)


def mapped(error):
    with pytest.raises(CallError) as caught, map_transport_errors():
        raise error
    return caught.value


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_every_exception_of_httpx_has_a_row(kind):
    """None falls back to its parent class."""
    assert kind in TRANSPORT_FAILURES


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_no_message_repeats_what_httpx_says(kind):
    """httpx's own texts may contain header values and whole URLs."""
    assert SECRET not in str(mapped(raised(kind)))


@pytest.mark.parametrize(
    "kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
)
def test_what_never_connected_started_nothing(kind):
    """A call that could not connect may be sent again, and cost nothing."""
    error = mapped(raised(kind))

    assert (FailureCode.UNAVAILABLE, True, False) == (
        error.failure.code,
        error.not_started,
        error.failure.possible_charge,
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (httpx.ReadTimeout, FailureCode.TIMEOUT),
        (TimeoutError, FailureCode.TIMEOUT),
        (httpx.WriteTimeout, FailureCode.OUTCOME_UNKNOWN),
        (httpx.ReadError, FailureCode.OUTCOME_UNKNOWN),
        (httpx.WriteError, FailureCode.OUTCOME_UNKNOWN),
        (httpx.RemoteProtocolError, FailureCode.OUTCOME_UNKNOWN),
        (httpx.DecodingError, FailureCode.BAD_RESPONSE),
    ],
)
def test_what_was_sent_may_have_cost_money(kind, code):
    """After the first byte the outcome is unknown, so the call is never resent automatically."""
    error = mapped(raised(kind))

    assert (code, False, True) == (error.failure.code, error.not_started, error.failure.possible_charge)


def _with_cause(error, *causes):
    """Return an exception with a chain of causes, like httpx raising httpcore2's, caused by the system's."""
    for above, below in zip((error, *causes), causes, strict=False):
        above.__cause__ = below
    return error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            _with_cause(httpx.ConnectError(SECRET, request=REQUEST), OSError(), OSError(111, "no")),
            "could not be connected to (connection refused)",
        ),
        (
            _with_cause(httpx.ConnectError(SECRET, request=REQUEST), OSError(113, SECRET)),
            "could not be connected to (no route to the host)",
        ),
        (
            _with_cause(httpx.ConnectError(SECRET, request=REQUEST), NameNotResolved("api.example.com")),
            "could not be connected to (its name does not resolve)",
        ),
        (
            _with_cause(httpx.ConnectTimeout(SECRET, request=REQUEST), NameLookupTimeout("api.example.com")),
            "did not take the connection in time (its name was not looked up in time)",
        ),
        (httpx.ConnectTimeout(SECRET, request=REQUEST), "did not take the connection in time"),
        (httpx.ConnectError(SECRET, request=REQUEST), "could not be connected to"),
    ],
)
def test_why_there_is_no_connection_is_told(error, message):
    """Each reason has a different remedy: DNS, a server that is down, a firewall, a certificate."""
    assert f"api.example.com {message}" == mapped(error).failure.message


def test_an_address_that_is_not_allowed_is_a_matter_of_configuration():
    """Only the operator can help, and nothing was sent."""
    refusal = UpstreamNotAllowed(AddressCode.OTHER_ADDRESS())
    refusal.hint = AddressCode.ALLOW_IT(entry="gpu.lan:80")
    error = mapped(refusal)

    assert str(error.failure.reason).endswith('add "gpu.lan:80" to security.allow_private_upstreams')
    assert (FailureCode.PROVIDER_NOT_CONFIGURED, False) == (error.failure.code, error.failure.possible_charge)


def test_other_exceptions_go_on_as_they_are():
    """The table leaves exceptions alone that do not come from the transport."""
    with pytest.raises(KeyError), map_transport_errors():
        raise KeyError("mine")
