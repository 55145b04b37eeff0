"""Blobs in buckets: Aliyun's OSS, and S3 or a server that speaks its protocol."""
