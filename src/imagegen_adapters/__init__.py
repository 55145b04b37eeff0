"""The adapters: directory is port, file is technology."""
