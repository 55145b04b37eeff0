"""The bucket and how to reach it; validated before the first request."""

import re

import attrs

from imagegen_adapters.blob_archives.oss.messages import BucketCode
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.ports.blobs import MAX_KEY_CHARS, is_key
from imagegen_core.problems import ProblemCode
from imagegen_core.secrets import Secret

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_ENDPOINT = re.compile(r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?")  # oss2 does not support IPv6 literals
_MAX_PREFIX_CHARS = 1023 - MAX_KEY_CHARS - 1  # OSS allows keys of 1,023 bytes


def _endpoint(text: str) -> str:
    stripped = text.strip().rstrip("/")
    return stripped if "://" in stripped else f"https://{stripped}"


def _region(text: str) -> str:
    return text.strip().removeprefix("oss-").removesuffix("-internal")


def _prefix(text: str) -> str:
    stripped = text.strip().strip("/")
    return f"{stripped}/" if stripped else ""


@attrs.frozen(kw_only=True)
class OssSettings:
    """How to reach the bucket.

    Args:
        endpoint: ``https://oss-cn-hangzhou.aliyuncs.com``, or the ``-internal`` one from a machine in the
            same region; the scheme defaults to ``https://``.
        region: ``cn-hangzhou``; required by signature V4, and not every endpoint reveals it.
        prefix: prepended to every key, so that several services can share a bucket.
        public_endpoint: used in signed URLs if ``endpoint`` is only reachable internally.
        is_cname: ``endpoint`` is a custom domain that is bound to the bucket.
        is_path_style: ``endpoint/bucket/key`` instead of ``bucket.endpoint/key``; for emulators.
        connect_timeout: seconds to open a connection, including the DNS lookup.
        read_timeout: seconds to wait for data to be received or sent.
        connections: the maximum number of concurrent requests.

    Raises:
        ValidationFailed: names the key below ``storage.oss``.
    """

    endpoint: str = attrs.field(converter=_endpoint)
    region: str = attrs.field(converter=_region)
    bucket: str
    access_key_id: str
    access_key_secret: Secret
    security_token: Secret | None = None
    prefix: str = attrs.field(default="", converter=_prefix)
    public_endpoint: str | None = attrs.field(default=None, converter=attrs.converters.optional(_endpoint))
    is_cname: bool = False
    is_path_style: bool = False
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    connections: int = 16

    def __attrs_post_init__(self) -> None:
        for name, text in (("endpoint", self.endpoint), ("public_endpoint", self.public_endpoint)):
            if text is not None and not _ENDPOINT.fullmatch(text):
                _refuse(name, BucketCode.NOT_AN_ENDPOINT())
        if not _REGION.fullmatch(self.region):
            _refuse("region", BucketCode.NOT_A_REGION())
        if not _BUCKET.fullmatch(self.bucket):
            _refuse("bucket", BucketCode.NOT_A_BUCKET())
        if not self.access_key_id.strip():
            _refuse("access_key_id", ProblemCode.EMPTY())
        if self.prefix and not (is_key(self.prefix[:-1]) and len(self.prefix) <= _MAX_PREFIX_CHARS):
            _refuse("prefix", BucketCode.NOT_A_PREFIX(maximum=_MAX_PREFIX_CHARS))


def _refuse(name: str, reason: Message) -> None:
    raise ValidationFailed.for_field(f"storage.oss.{name}", reason)
