"""Reads a JSON body as exactly what its handler declares: a ``"60"`` is no number and a 1 no boolean."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, ValidationException


class JsonRequest(Request[Any, Any, Any]):
    """Litestar's own reading is lenient, as query parameters need it and bodies must not have it."""

    async def json(self) -> Any:
        """Return the body, as the handler's ``data`` if it has one.

        Raises:
            ValidationException: it has another shape.
            ClientException: it is not JSON.
        """
        declared = self.route_handler.parsed_data_field
        try:
            return msgspec.json.decode(await self.body(), type=declared.annotation if declared else Any)
        except msgspec.ValidationError as error:
            problem = {"key": "body", "message": str(error)}
            raise ValidationException("the body is not valid", extra=[problem]) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ClientException("malformed JSON") from error
