"""Gives ComfyUI the images of a request before its job, which names them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.comfyui.api import ComfyUIApi, as_object
from imagegen_adapters.providers.comfyui.failures import reason_of
from imagegen_adapters.providers.comfyui.messages import ComfyUICode
from imagegen_adapters.providers.comfyui.workflow import Workflow
from imagegen_adapters.providers.common.images import MaskPolarity, map_refusals, mask_for
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.ports.provider import Exchange
from imagegen_core.requests import ImageRequest, InputImage

_FOLDER = "imagegen"
_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
)
_RETRIED_STATUSES = frozenset((408, 425, 429))
_SERVER_ERROR = 500


@attrs.frozen(kw_only=True)
class Uploads:
    """The images of one call. They go into ComfyUI's temporary folder, which it empties when it starts.

    A file is named after its content, so that the same image is there once, and none is ever overwritten.
    """

    api: ComfyUIApi
    exchange: Exchange

    async def images(self, request: ImageRequest, workflow: Workflow) -> dict[str, Any]:
        """Return the names of the uploaded images by what they are for.

        Raises:
            CallError: ComfyUI did not take one; nothing was started.
        """
        names: dict[str, Any] = {}
        if request.references:
            names["references"] = [await self._input(image) for image in request.references]
        if request.image is not None:
            names["image"] = await self._input(request.image)
        if request.mask is not None and request.image is not None and "mask" in workflow.inputs:
            with map_refusals():
                mask = await mask_for(request, self.exchange, MaskPolarity.WHITE_IS_EDIT)
            names["mask"] = await self._upload(f"{request.mask.sha256[:32]}-mask.png", mask or b"")
        return names

    async def _input(self, image: InputImage) -> str:
        data = await self.exchange.read_input(image)
        return await self._upload(f"{image.sha256[:32]}{_SUFFIXES.get(image.mime_type, '')}", data)

    async def _upload(self, name: str, data: bytes) -> str:
        """Upload an image, and return the name by which a node loads it."""
        try:
            answer = await self.api.post(
                "/upload/image",
                data={"type": "temp", "subfolder": _FOLDER},
                files={"image": (name, data)},
            )
        except CallError as error:  # whatever became of it, there is no job yet
            raise _not_taken(FailureCode.UNAVAILABLE, error.reason, None) from error
        stored = as_object(answer.tree)
        if not answer.is_success or not isinstance(stored.get("name"), str):
            is_passing = answer.status in _RETRIED_STATUSES or answer.status >= _SERVER_ERROR
            code = FailureCode.UNAVAILABLE if is_passing else FailureCode.REJECTED
            raise _not_taken(code, reason_of(answer, self.api.secrets), answer.status)
        path = "/".join(filter(None, (str(stored.get("subfolder") or ""), stored["name"])))
        return f"{path} [{stored.get('type', 'input')}]"


def _not_taken(code: FailureCode, reason: Any, status: int | None) -> CallError:
    return CallError(
        code,
        ComfyUICode.UPLOAD_REFUSED(reason=reason),
        not_started=code is FailureCode.UNAVAILABLE,
        upstream_status=status,
        possible_charge=False,
    )
