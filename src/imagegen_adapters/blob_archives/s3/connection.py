"""Configures obstore: through our gateway only, few retries, and nothing from the environment."""

import importlib.util
from datetime import timedelta
from typing import TYPE_CHECKING

from imagegen_adapters.blob_archives.s3.messages import S3BucketCode
from imagegen_adapters.blob_archives.s3.settings import S3Settings
from imagegen_core.errors import ValidationFailed

if TYPE_CHECKING:
    from obstore.store import S3Credential, S3Store

_MAX_RETRIES = 2
_RETRY_SECONDS = 10
"""No retry begins after this time, so that a slow server is not waited for three times."""

_MAX_REQUEST_SECONDS = 3600
"""The gateway cuts connections that stand still; one that moves may take long."""


def check_installed() -> None:
    """Check that obstore is there, which an extra of its own installs.

    Raises:
        ValidationFailed: it is not.
    """
    if importlib.util.find_spec("obstore") is None:
        raise ValidationFailed.for_field("storage.s3", S3BucketCode.S3_NOT_INSTALLED())


def open_store(settings: S3Settings, proxy_url: str) -> "S3Store":
    """Return the bucket, to which no request is sent yet."""
    from obstore.store import S3Store

    def credentials() -> "S3Credential":
        token = settings.session_token
        return {
            "access_key_id": settings.access_key_id,
            "secret_access_key": settings.access_key_secret.reveal(),
            "token": token.reveal() if token else None,
            "expires_at": None,
        }

    return S3Store(
        settings.bucket,
        # What is not said here, obstore takes from variables such as AWS_ENDPOINT_URL_S3.
        config={
            "endpoint": settings.url,
            "aws_endpoint_url_s3": settings.url,
            "region": settings.region,
            "virtual_hosted_style_request": settings.is_virtual_hosted,
            "skip_signature": False,
            "unsigned_payload": False,
            "s3_express": False,
            "request_payer": False,
            "disable_bulk_delete": True,  # not every server has it
        },
        client_options={
            "allow_http": settings.endpoint.startswith("http://"),
            "allow_invalid_certificates": False,
            "proxy_url": proxy_url,
            "proxy_excludes": "",
            "connect_timeout": timedelta(seconds=2 * settings.connect_timeout),
            "read_timeout": timedelta(seconds=_MAX_REQUEST_SECONDS),
            "timeout": timedelta(seconds=_MAX_REQUEST_SECONDS),
            "pool_idle_timeout": timedelta(seconds=settings.idle_timeout / 2),
            "user_agent": "imagegen",
        },
        retry_config={
            "max_retries": _MAX_RETRIES,
            "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
        },
        credential_provider=credentials,
    )
