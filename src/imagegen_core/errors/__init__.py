"""Every way a request can be turned down and every way a call can end badly.

::

    ImagegenError
    ├── Refusal                  turned down before anything was stored or sent
    │   ├── ValidationFailed       ├── ApiKeyRequired        ├── TaskNotFound
    │   │   └── ProviderEnded      ├── UpstreamNotAllowed    ├── InputNotFound
    │   ├── ProviderNotConfigured  ├── IdempotencyKeyReused  ├── ImageNotFound
    │   ├── ProviderDisabled       ├── QueueFull             ├── CollectionNotFound
    │   ├── ModelNotAvailable      ├── InsufficientStorage   ├── ProviderConfigNotFound
    │   ├── UnsupportedOperation   ├── CollectionExists      ├── ResponseNotKept
    │   ├── ReferenceCount         ├── TooManyCollections    └── Unavailable
    │   └── InvalidImage           └── TooManyTags               └── KeysLocked
    ├── CallError                one call to a provider did not end in an image
    ├── IllegalTransition        a task or an attempt was asked to do what its state forbids
    ├── StaleTask                somebody else changed the task first
    ├── BlobMissing              a store was asked for a key that it does not hold
    └── StorageError             a store could not keep or give bytes
        ├── StorageFull              there is no room; there will be once somebody makes some
        ├── StorageUnreachable       it may well be able to later
        └── StorageBroken            this process cannot use it any more

A `Refusal` names a row of the API's error table by its ``slug``; a `CallError` carries the
`FailureCode` that the task will show. Neither ever holds a key or a path.
"""

from imagegen_core.errors.calls import CallError
from imagegen_core.errors.imagegen_error import ImagegenError
from imagegen_core.errors.refusals import (
    ApiKeyRequired,
    CollectionExists,
    CollectionNotFound,
    IdempotencyKeyReused,
    ImageNotFound,
    InputNotFound,
    InsufficientStorage,
    InvalidImage,
    KeysLocked,
    ModelNotAvailable,
    ProviderConfigNotFound,
    ProviderDisabled,
    ProviderNotConfigured,
    QueueFull,
    ReferenceCount,
    Refusal,
    ResponseNotKept,
    TaskNotFound,
    TooManyCollections,
    TooManyTags,
    Unavailable,
    UnsupportedOperation,
    UpstreamNotAllowed,
)
from imagegen_core.errors.storage import (
    BlobMissing,
    StorageBroken,
    StorageError,
    StorageFull,
    StorageUnreachable,
)
from imagegen_core.errors.tasks import IllegalTransition, StaleTask
from imagegen_core.errors.validation import ProviderEnded, ValidationFailed

__all__ = [
    "ApiKeyRequired",
    "BlobMissing",
    "CallError",
    "CollectionExists",
    "CollectionNotFound",
    "IdempotencyKeyReused",
    "IllegalTransition",
    "ImageNotFound",
    "ImagegenError",
    "InputNotFound",
    "InsufficientStorage",
    "InvalidImage",
    "KeysLocked",
    "ModelNotAvailable",
    "ProviderConfigNotFound",
    "ProviderDisabled",
    "ProviderEnded",
    "ProviderNotConfigured",
    "QueueFull",
    "ReferenceCount",
    "Refusal",
    "ResponseNotKept",
    "StaleTask",
    "StorageBroken",
    "StorageError",
    "StorageFull",
    "StorageUnreachable",
    "TaskNotFound",
    "TooManyCollections",
    "TooManyTags",
    "Unavailable",
    "UnsupportedOperation",
    "UpstreamNotAllowed",
    "ValidationFailed",
]
