"""Limits and defaults, shared by HTTP, the command line, ``config.yaml`` and importing programs.

Nothing is imported here, so that ``--help`` names them at once.
"""

# A request
MAX_NUM = 10  # images of one request
MAX_REFERENCES = 14
MAX_FALLBACKS = 3  # providers to ask after the first
MAX_PROMPT_CHARS = 32_000
MAX_SIDE_PIXELS = 16_384  # of a size that a request may ask for
MAX_IDEMPOTENCY_KEY_CHARS = 255
MAX_WAIT_SECONDS = 60  # that an HTTP answer waits for its task to end, as ``Prefer: wait=N`` asks
DEFAULT_TRASH_DAYS = 30  # in which deleted images can be restored
DEFAULT_KEEP_INPUTS = True  # callers' input images are kept as long as the records of their tasks

# What a provider sends
MAX_IMAGE_PIXELS = 40_000_000  # of an image that is decoded, and so stored
MAX_PARTIAL_IMAGE_BYTES = 8 * 1024 * 1024  # a larger partial image is dropped
MAX_PARTIAL_IMAGES = 16  # that are shown of one call, however many come
MAX_PARTIAL_IMAGES_HELD_BYTES = 32 * 1024 * 1024  # of all tasks together, in memory
MAX_METADATA_BYTES = 64 * 1024  # that a provider says beside one image, roughly as JSON; the rest is dropped

# Kept images
MAX_TAGS = 20  # of one image
MAX_TAG_CHARS = 40
MAX_COLLECTIONS = 1000
MAX_COLLECTION_NAME_CHARS = 100
MAX_BATCH_IMAGES = 1000  # that one request may change
MAX_ZIPPED_IMAGES = 1000  # in one zip file
MAX_LINK_HOURS = 168  # that a signed link opens its image
MAX_SELECTED_IMAGES = 10_000  # of a list whose ids are asked for at once
MAX_CHILDREN = 100  # images made from an image that its detail names

# Batches
MAX_BATCH_TASKS = 10_000
DEFAULT_BATCH_CONCURRENCY = 4  # tasks of a batch that wait or run at once
MAX_BATCH_CONCURRENCY = 1000
MAX_BATCH_NAME_CHARS = 200
MAX_BATCH_COST = 100_000_000  # of a ceiling, in units of its currency
MAX_BATCH_BODY_MB = 16
MAX_BATCH_VALUES = 20 * MAX_BATCH_TASKS  # of its body, in JSON

# Styles
MAX_STYLES = 500
MAX_STYLE_NAME_CHARS = 100
MAX_STYLE_BYTES = 16 * 1024  # of one, as JSON

# Webhooks
MAX_WEBHOOKS = 16
MAX_WEBHOOK_BODY_BYTES = 20_000
MAX_WEBHOOK_ANSWER_BYTES = 1024  # of a receiver's answer that are kept
WEBHOOK_RETENTION_DAYS = 30  # of deliveries that have ended

# Lists
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000
MAX_CURSOR_CHARS = 512
MAX_EXACT_TOTAL = 10_000  # items of a list are counted up to here

# A provider's configuration
DEFAULT_PROVIDER = "demo"
DEFAULT_TIMEOUT_SECONDS = 60.0  # of one call; the least is anything above 0
MAX_TIMEOUT_SECONDS = 3600
DEFAULT_MAX_RETRIES = 3  # of a call that started nothing; the least is 0
MAX_RETRIES = 10
MAX_CONCURRENCY = 1000  # calls of one provider at once; far above any use
MAX_PROVIDER_NAME_CHARS = 64
MAX_KIND_CHARS = 64
MAX_DISPLAY_NAME_CHARS = 200
MAX_PORT = 65_535
MAX_API_BASE_CHARS = 2048
MAX_API_KEY_CHARS = 8192  # longer than any header line that a server takes
MAX_MODELS = 200
MAX_MODEL_ID_CHARS = 200
MAX_MODEL_NAME_CHARS = 200

# The service
DEFAULT_QUEUE_SIZE = 1000
MAX_QUEUE_SIZE = 1_000_000
DEFAULT_WORKERS = 32
MAX_WORKERS = 2000
DEFAULT_BEAT_SECONDS = 5.0  # between two signs of life of a process
DEFAULT_BATCH_POLL_SECONDS = 180.0  # between two looks at a provider's batch job
DEFAULT_SHUTDOWN_GRACE_SECONDS = 65  # five more than a call may take
