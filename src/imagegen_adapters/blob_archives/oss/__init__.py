"""Blobs in an Aliyun OSS bucket, through the oss2 library, which is imported at the first request."""

from imagegen_adapters.blob_archives.oss.settings import OssSettings
from imagegen_adapters.blob_archives.oss.store import OssBlobArchive

__all__ = ["OssBlobArchive", "OssSettings"]
