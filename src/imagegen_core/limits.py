"""The bounds of what callers and operators say, and what holds where they say nothing.

Each number has its home here, and the values of the core check themselves against it: HTTP, the command line,
``config.yaml`` and a program that imports the library meet the same bounds. Nothing is imported, so that
``--help`` can name them at once.
"""

MAX_NUM = 10
"""Most images that one request may ask for."""

MAX_REFERENCES = 14
MAX_PROMPT_CHARS = 32_000

MAX_SIDE_PIXELS = 16_384
"""Longest side, in pixels, that any request may ask for."""

MAX_IMAGE_PIXELS = 40_000_000
"""Most pixels of an image that is decoded, and so stored."""

MAX_PARTIAL_IMAGE_BYTES = 8 * 1024 * 1024
"""A larger partial image is dropped."""

MAX_PARTIAL_IMAGES = 16
"""Partial images of one call that are shown, however many come."""

MAX_PARTIAL_IMAGES_HELD_BYTES = 32 * 1024 * 1024
"""Partial images, of all tasks, that wait for those who follow them."""

MAX_METADATA_BYTES = 64 * 1024
"""Of what a provider said beside one image, roughly as JSON; what is over is dropped."""

MAX_IDEMPOTENCY_KEY_CHARS = 255

MAX_WAIT_SECONDS = 60
"""Longest that an answer of the HTTP API waits for the end of its task, as ``Prefer: wait=N`` asks."""

MAX_TAGS = 20
"""Tags of one image."""

MAX_TAG_CHARS = 40
MAX_COLLECTIONS = 1000
MAX_COLLECTION_NAME_CHARS = 100
MAX_BATCH_IMAGES = 1000
"""Images that one request may change."""

MAX_ZIPPED_IMAGES = 1000
"""Images in one zip file."""

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000
MAX_CURSOR_CHARS = 512
MAX_EXACT_TOTAL = 10_000
"""How far the items of a list are counted."""

DEFAULT_KEEP_INPUTS = True
"""Whether the input images that callers send are kept for as long as the records of their tasks."""

MAX_CHILDREN = 100
"""Most images that an image's detail names of those that were made from it."""

DEFAULT_TIMEOUT_SECONDS = 60.0
"""How long one call to a provider may take; the least is anything above 0."""

MAX_TIMEOUT_SECONDS = 3600
DEFAULT_MAX_RETRIES = 3
"""How often a call that started nothing is sent again; the least is 0."""

MAX_RETRIES = 10
MAX_CONCURRENCY = 1000
"""Most calls of one provider at once; far above any use."""

MAX_PROVIDER_NAME_CHARS = 64
MAX_KIND_CHARS = 64
MAX_DISPLAY_NAME_CHARS = 200
MAX_PORT = 65_535
MAX_API_BASE_CHARS = 2048
MAX_API_KEY_CHARS = 8192
"""Longer than any header line that a server takes."""

MAX_MODELS = 200
MAX_MODEL_ID_CHARS = 200
MAX_MODEL_NAME_CHARS = 200

DEFAULT_PROVIDER = "demo"
DEFAULT_QUEUE_SIZE = 1000
MAX_QUEUE_SIZE = 1_000_000
DEFAULT_WORKERS = 32
MAX_WORKERS = 2000
DEFAULT_BEAT_SECONDS = 5.0
"""How often a process shows that it is alive."""

DEFAULT_SHUTDOWN_GRACE_SECONDS = 65
"""Five more than a call may take."""
