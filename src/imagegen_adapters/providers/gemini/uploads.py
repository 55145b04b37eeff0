"""The caller's images on their way out: placeholders in the request, bytes only while they are sent."""

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import attrs

from imagegen_adapters.providers.common.images import MaskPolarity, encode_base64, encoded_length, mask_for
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_core.errors import BlobMissing, CallError, FailureCode, StorageError
from imagegen_core.ports.provider import Exchange, ProviderCall
from imagegen_core.requests import InputImage


@attrs.frozen(kw_only=True)
class Upload:
    """An image to send. The SDK gets `placeholder`; `read` returns the bytes when it is their turn.

    ``token`` is 64 hexadecimal digits, hence valid base64: `placeholder` encodes to it in the request's JSON,
    in both the standard and the URL-safe alphabet.
    """

    token: str
    mime_type: str
    size: int
    read: Callable[[], Awaitable[bytes]]

    @property
    def placeholder(self) -> bytes:
        """48 bytes that stand in for the image."""
        return base64.b64decode(self.token)

    @property
    def encoded_size(self) -> int:
        """The length of the image in base64."""
        return encoded_length(self.size)


async def uploads_of(call: ProviderCall, exchange: Exchange) -> tuple[Upload, ...]:
    """Return the request's images: references, then image, then mask (converted: white is repainted).

    Raises:
        InvalidImage: the mask cannot be converted.
    """
    request = call.request
    uploads = [
        _input_upload(_token(call.call_id, position), image, exchange)
        for position, image in enumerate(request.inputs)
        if image is not request.mask
    ]
    mask = await mask_for(request, exchange, MaskPolarity.WHITE_IS_EDIT)
    if mask is not None:
        uploads.append(_mask_upload(_token(call.call_id, len(uploads)), mask))
    return tuple(uploads)


def _token(call_id: str, position: int) -> str:
    return hashlib.sha256(f"{call_id}/{position}".encode()).hexdigest()


def _input_upload(token: str, image: InputImage, exchange: Exchange) -> Upload:
    async def read() -> bytes:
        return await _read_stored(image, exchange)

    return Upload(token=token, mime_type=str(image.mime_type), size=image.size_bytes, read=read)


async def _read_stored(image: InputImage, exchange: Exchange) -> bytes:
    try:
        return await exchange.read_input(image)
    except (BlobMissing, StorageError) as error:
        raise CallError(
            FailureCode.STORAGE_FAILED, ResponseCode.INPUT_UNREADABLE(), possible_charge=False
        ) from error


def _mask_upload(token: str, mask: bytes) -> Upload:
    async def read() -> bytes:
        return mask

    return Upload(token=token, mime_type="image/png", size=len(mask), read=read)


@attrs.frozen(kw_only=True)
class Body:
    """A request's JSON with images in place of their placeholders, streamed once."""

    text: bytes
    uploads: Sequence[Upload]

    @property
    def length(self) -> int:
        """The number of bytes that `chunks` will yield."""
        return len(self.text) + sum(u.encoded_size - len(u.token) for u in self.uploads)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body; it holds at most one image at any time."""
        rest = self.text
        for upload in sorted(self.uploads, key=lambda u: self.text.index(u.token.encode())):
            head, _, rest = rest.partition(upload.token.encode())
            yield head
            async for piece in _encoded(upload):
                yield piece
        yield rest


async def _encoded(upload: Upload) -> AsyncIterator[bytes]:
    data = await upload.read()
    if len(data) != upload.size:
        raise CallError(FailureCode.INTERNAL, ResponseCode.INPUT_CHANGED())
    for piece in encode_base64(data):
        yield piece
