"""Blobs in a bucket of S3 or a server that speaks its protocol, through the obstore library."""

from imagegen_adapters.blob_archives.s3.settings import S3Settings
from imagegen_adapters.blob_archives.s3.store import S3BlobArchive

__all__ = ["S3BlobArchive", "S3Settings"]
