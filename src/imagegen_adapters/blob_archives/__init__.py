"""Where images are safe, far away: Aliyun OSS, or memory for tests."""
