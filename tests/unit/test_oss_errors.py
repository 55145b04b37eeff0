"""What OSS answers becomes an error of the port."""

import base64

import pytest

from imagegen_adapters.archives.bucket import Answer
from imagegen_adapters.archives.oss import OssBlobArchive
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable

CASES = [
    (404, "NoSuchKey", BlobMissing),
    (404, "", BlobMissing),
    (404, "NoSuchBucket", StorageError),
    (403, "AccessDenied", StorageError),
    (403, "RequestTimeTooSkewed", StorageError),
    (409, "FileAlreadyExists", StorageError),
    (429, "QpsLimitExceeded", StorageUnreachable),
    (500, "InternalError", StorageUnreachable),
    (502, "", StorageUnreachable),
    (503, "ServiceUnavailable", StorageUnreachable),
]


@pytest.mark.parametrize(("status", "code", "expected"), CASES)
@pytest.mark.parametrize("is_head", [False, True])
def test_responses_of_oss_are_classified(status, code, expected, is_head):
    """As missing, refused or temporarily unreachable; that of a HEAD request by its header."""
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode() if code else b""
    headers = {"x-oss-err": base64.b64encode(body).decode()} if is_head else {}

    error = OssBlobArchive.refusal(
        Answer(status=status, headers=headers, content=b"" if is_head else body), "a.png"
    )

    assert expected is type(error)
    if expected is not BlobMissing:
        assert f"OSS: {status} {code}: m".removesuffix(" : m") == str(error)
