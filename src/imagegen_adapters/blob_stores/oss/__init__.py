"""Blobs as objects of a bucket of Aliyun OSS, by the oss2 library, which is imported at the first request."""

from imagegen_adapters.blob_stores.oss.settings import OssSettings
from imagegen_adapters.blob_stores.oss.store import OssBlobStore

__all__ = ["OssBlobStore", "OssSettings"]
