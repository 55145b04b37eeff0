"""The bucket and how to reach it; validated before the first request."""

import re
from urllib.parse import urlsplit

import attrs

from imagegen_adapters.blob_archives.s3.messages import S3BucketCode
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.ports.blobs import MAX_KEY_CHARS, is_key
from imagegen_core.problems import ProblemCode
from imagegen_core.secrets import Secret

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ENDPOINT = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_MAX_PREFIX_CHARS = 1023 - MAX_KEY_CHARS - 1  # S3 allows keys of 1,024 bytes


def _endpoint(text: str) -> str:
    stripped = text.strip().rstrip("/")
    return stripped if "://" in stripped else f"https://{stripped}"


def _region(text: str) -> str:
    return text.strip()


def _prefix(text: str) -> str:
    stripped = text.strip().strip("/")
    return f"{stripped}/" if stripped else ""


@attrs.frozen(kw_only=True)
class S3Settings:
    """How to reach the bucket.

    Args:
        endpoint: ``https://s3.eu-central-1.amazonaws.com``, or ``http://10.0.0.5:9000`` of a server in a
            network of one's own; the scheme defaults to ``https://``.
        region: part of every signature; servers without regions take ``us-east-1``.
        session_token: goes along with temporary keys.
        prefix: prepended to every key, so that several services can share a bucket.
        is_virtual_hosted: ``bucket.endpoint/key`` instead of ``endpoint/bucket/key``.
        connect_timeout: seconds to open a connection, including the DNS lookup.
        idle_timeout: seconds that a connection may pass without a byte in either direction.

    Raises:
        ValidationFailed: names the key below ``storage.s3``.
    """

    endpoint: str = attrs.field(converter=_endpoint)
    region: str = attrs.field(converter=_region)
    bucket: str
    access_key_id: str
    access_key_secret: Secret
    session_token: Secret | None = None
    prefix: str = attrs.field(default="", converter=_prefix)
    is_virtual_hosted: bool = False
    connect_timeout: float = 5.0
    idle_timeout: float = 30.0

    def __attrs_post_init__(self) -> None:
        if not _ENDPOINT.fullmatch(self.endpoint):
            _refuse("endpoint", S3BucketCode.NOT_AN_S3_ENDPOINT())
        if not _REGION.fullmatch(self.region):
            _refuse("region", S3BucketCode.NOT_AN_S3_REGION())
        if not _BUCKET.fullmatch(self.bucket):
            _refuse("bucket", S3BucketCode.NOT_AN_S3_BUCKET())
        if not self.access_key_id.strip():
            _refuse("access_key_id", ProblemCode.EMPTY())
        if self.prefix and not (is_key(self.prefix[:-1]) and len(self.prefix) <= _MAX_PREFIX_CHARS):
            _refuse("prefix", S3BucketCode.NOT_AN_S3_PREFIX(maximum=_MAX_PREFIX_CHARS))

    @property
    def url(self) -> str:
        """Return where requests go, with the bucket in front of the host if it belongs there."""
        if not self.is_virtual_hosted:
            return self.endpoint
        scheme, _, authority = self.endpoint.partition("://")
        return f"{scheme}://{self.bucket}.{authority}"

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _refuse(name: str, reason: Message) -> None:
    raise ValidationFailed.for_field(f"storage.s3.{name}", reason)
