"""Maps exceptions of the SDK, of Google's credentials and of the transport to `CallError`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from imagegen_adapters.outbound import map_transport_errors
from imagegen_adapters.providers.common.calls import shorten
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.gemini.failures import ErrorResponse, call_error
from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_adapters.providers.gemini.transport import UploadContext
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.models import Model


@contextmanager
def map_sdk_errors(
    config: ProviderConfig,
    *,
    now: Callable[[], float],
    model: Model | None = None,
    upload_context: UploadContext | None = None,
) -> Iterator[None]:
    """Turn such exceptions inside into `CallError`; ``upload_context`` tells whether sending had started."""
    from google.auth import exceptions as auth
    from google.genai import errors

    secret = None if config.api_key is None else config.api_key.reveal()
    try:
        with map_transport_errors():
            yield
    except errors.APIError as error:
        raise call_error(_error_response(error), model=model, secret=secret, now=now()) from error
    except auth.TransportError as error:
        raise CallError(
            FailureCode.UNAVAILABLE,
            GeminiCode.CREDENTIALS_NOT_REFRESHED(),
            not_started=True,
        ) from error
    except auth.GoogleAuthError as error:
        raise CallError(FailureCode.AUTH_FAILED, GeminiCode.CREDENTIALS_REFUSED()) from error
    except OSError as error:
        if upload_context is not None and upload_context.sending_started:
            raise
        raise CallError(
            FailureCode.UNAVAILABLE,
            GeminiCode.NOTHING_SENT_BUSY(),
            not_started=True,
        ) from error
    except (ValueError, TypeError) as error:
        raise _refused_by_sdk(error, upload_context, secret) from error


def _error_response(error: Any) -> ErrorResponse:
    details = error.details if isinstance(error.details, Mapping) else {}
    inner = details.get("error")
    headers = getattr(error.response, "headers", None) or {}
    return ErrorResponse(
        status=int(error.code),
        error=inner if isinstance(inner, Mapping) else {},
        retry_after=headers.get("retry-after"),
    )


def _refused_by_sdk(error: Exception, upload_context: UploadContext | None, secret: str | None) -> CallError:
    if upload_context is not None and not upload_context.sending_started:
        detail = shorten(str(error), (secret,))
        return CallError(FailureCode.REJECTED, GeminiCode.SDK_REQUEST_NOT_BUILT(detail=detail))
    return CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_UNREADABLE())
