"""The settings of a bucket are checked before the first request, and the ETag is S3's."""

import hashlib

import pytest

from imagegen_adapters.archives.bucket import PART_BYTES
from imagegen_adapters.archives.s3 import S3Etag, S3Settings
from imagegen_core.errors import ValidationFailed
from imagegen_core.secrets import Secret


def settings(**more):
    return S3Settings(
        **{
            "endpoint": "https://s3.eu-central-1.amazonaws.com",
            "region": "eu-central-1",
            "bucket": "images",
            "access_key_id": "AKID",
            "access_key_secret": Secret("secret"),
            **more,
        }
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("endpoint", value) for value in ("ftp://a", "https://a/b", "https://u@a", "https://a:b", "")),
        *(("region", value) for value in ("", "EU", "a b", "-a")),
        *(("bucket", value) for value in ("", "ab", "A-b", "-ab", "a/b", "a" * 64)),
        ("access_key_id", " "),
        *(("prefix", value) for value in ("A", "a//b", "../a", "a" * 512)),
    ],
)
def test_a_wrong_setting_is_named(field, value):
    """By its key below storage.s3."""
    with pytest.raises(ValidationFailed) as caught:
        settings(**{field: value})

    assert [f"storage.s3.{field}"] == [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("endpoint", "is_virtual_hosted", "url"),
    [
        ("s3.example.com", False, "https://s3.example.com"),
        ("http://10.0.0.5:9000/", False, "http://10.0.0.5:9000"),
        ("http://[::1]", False, "http://[::1]"),
        (
            "https://s3.example.com:8443",
            True,
            "https://images.s3.example.com:8443",
        ),
    ],
)
def test_the_endpoint_says_where_to_connect(endpoint, is_virtual_hosted, url):
    """With the bucket before the host, if it belongs there."""
    bucket = settings(endpoint=endpoint, is_virtual_hosted=is_virtual_hosted)

    assert url == bucket.url


def test_secrets_are_not_shown():
    """Not even by the values themselves."""
    text = repr(settings(session_token=Secret("a token")))

    assert not [word for word in ("'secret'", "a token") if word in text]


@pytest.mark.parametrize(
    ("size", "parts"),
    [(0, 0), (PART_BYTES, 0), (PART_BYTES + 1, 2), (2 * PART_BYTES, 2), (2 * PART_BYTES + 1, 3)],
)
def test_the_etag_is_that_of_the_parts(size, parts):
    """However the bytes come."""
    data, etag = bytes(size), S3Etag()
    for at in range(0, size, 3_000_000):
        etag.update(data[at : at + 3_000_000])

    digests = [_md5(data[at : at + PART_BYTES]).digest() for at in range(0, size, PART_BYTES)]
    expected = f"{_md5(b''.join(digests)).hexdigest()}-{parts}" if parts else _md5(data).hexdigest()
    assert expected == etag.text


def _md5(data):
    return hashlib.md5(data, usedforsecurity=False)
