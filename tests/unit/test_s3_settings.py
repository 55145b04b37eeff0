"""The settings of a bucket are checked before the first request, and the ETag is S3's."""

import hashlib
import sys

import pytest

from imagegen_adapters.blob_archives.s3 import S3BlobArchive, S3Settings
from imagegen_adapters.blob_archives.s3.etag import PART_BYTES, S3Etag
from imagegen_adapters.blob_archives.s3.proxied_request import RequestHead
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
    ("endpoint", "is_virtual_hosted", "url", "address"),
    [
        ("s3.example.com", False, "https://s3.example.com", ("s3.example.com", 443)),
        ("http://10.0.0.5:9000/", False, "http://10.0.0.5:9000", ("10.0.0.5", 9000)),
        ("http://[::1]", False, "http://[::1]", ("::1", 80)),
        (
            "https://s3.example.com:8443",
            True,
            "https://images.s3.example.com:8443",
            ("images.s3.example.com", 8443),
        ),
    ],
)
def test_the_endpoint_says_where_to_connect(endpoint, is_virtual_hosted, url, address):
    """With the bucket before the host, if it belongs there."""
    bucket = settings(endpoint=endpoint, is_virtual_hosted=is_virtual_hosted)

    assert (url, address) == (bucket.url, bucket.address)


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


def test_a_request_reaches_the_origin_without_the_password_of_the_proxy():
    """And with its path alone."""
    head = RequestHead(
        b"PUT http://s3:9000/b/a?x=1 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nHost: s3:9000\r\n"
        b"Content-Length: 5\r\n\r\n"
    )

    assert (("s3", 9000), 5, False) == (head.address, head.body_bytes, head.is_tunnel)
    assert b"PUT /b/a?x=1 HTTP/1.1\r\nHost: s3:9000\r\nContent-Length: 5\r\n\r\n" == head.as_sent_to_origin()


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("CONNECT s3.example.com:443 HTTP/1.1", ("s3.example.com", 443)),
        ("CONNECT [::1]:443 HTTP/1.1", ("::1", 443)),
        ("GET http://s3.example.com/a HTTP/1.1", ("s3.example.com", 80)),
        ("GET http://[::1]/a HTTP/1.1", ("::1", 80)),
    ],
)
def test_a_request_to_a_proxy_names_its_host(line, address):
    """With the port of its scheme if it names none."""
    assert address == RequestHead(f"{line}\r\n\r\n".encode()).address


@pytest.mark.parametrize("line", ["GET /a HTTP/1.1", "GET https://a/b HTTP/1.1", "nonsense"])
def test_what_is_no_request_to_a_proxy_is_refused(line):
    """It is not from obstore."""
    with pytest.raises(ValueError):  # noqa: PT011 - whichever
        RequestHead(f"{line}\r\n\r\n".encode())


def test_without_its_library_the_settings_are_refused(monkeypatch):
    """Before the start, not by the first upload."""
    monkeypatch.setattr("sys.path", [])
    for name in [name for name in sys.modules if name.partition(".")[0] == "obstore"]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(ValidationFailed, match="run setup s3"):
        S3BlobArchive(settings())
