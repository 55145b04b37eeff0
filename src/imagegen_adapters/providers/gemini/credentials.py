"""Google's credentials for Vertex: a file that the operator names, or application default credentials."""

import json
import warnings
from pathlib import Path
from typing import Any

from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_core.errors import CallError, FailureCode

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def load(path: str | None) -> Any:
    """Return credentials that refresh themselves. It reads files and may block: call it in a thread.

    A file may contain a service account, or what ``gcloud auth application-default login`` writes; other
    types, which name commands to run or URLs to call, are refused.

    Raises:
        CallError: ``auth_failed``: there are none, or the file cannot be used. Nothing was sent.
    """
    from google.auth.exceptions import GoogleAuthError

    try:
        return _default() if path is None else _from_file(path)
    except (GoogleAuthError, OSError, ValueError, KeyError, TypeError) as error:
        source = GeminiCode.DEFAULT_CREDENTIALS() if path is None else "extra_config.credentials_file"
        raise CallError(FailureCode.AUTH_FAILED, GeminiCode.CREDENTIALS_UNUSABLE(source=source)) from error


def refresh(credentials: Any) -> None:
    """Get a new token; blocks. The SDK would do this in the threads of the default executor.

    Raises:
        google.auth.exceptions.GoogleAuthError: there is none.
    """
    from google.auth.transport.requests import Request

    credentials.refresh(Request())


def _default() -> Any:
    import google.auth

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # google.auth warns about user credentials without a quota project
        credentials, _ = google.auth.default(scopes=_SCOPES)
    return credentials


def _from_file(path: str) -> Any:
    info = json.loads(Path(path).read_text("utf-8"))
    match info["type"]:
        case "service_account":
            from google.oauth2 import service_account

            return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call] # google-auth
                info, scopes=_SCOPES
            )
        case "authorized_user":
            from google.oauth2 import credentials

            return credentials.Credentials.from_authorized_user_info(  # type: ignore[no-untyped-call] # google-auth
                info, scopes=_SCOPES
            )
        case _:
            raise ValueError("neither a service account nor an authorized user")
