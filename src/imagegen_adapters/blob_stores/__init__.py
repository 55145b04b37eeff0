"""Where images lie: memory, a local directory, Aliyun OSS, or a directory with OSS behind it."""
