"""Signatures that fixed headers cannot express; a document names one by ``auth: {type: signer, signer: …}``.

A signer is pure: it gets the finished request, the key and the time, and returns the headers to add.
To add one, write its module here and a line in `SIGNERS`.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

import attrs

from imagegen_adapters.providers.http.signers.tencent_tc3 import sign_tc3


@attrs.frozen(kw_only=True)
class SignableRequest:
    """A request as it will be sent; ``headers`` are by lower-case name."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Signer(Protocol):
    """Makes the headers that authenticate a request."""

    def __call__(
        self, request: SignableRequest, secret: str, options: Mapping[str, str], now: datetime
    ) -> Mapping[str, str]:
        """Return the headers to add.

        ``options`` are the document's ``auth.options``.

        Raises:
            ValueError: the key has another form than this signer needs; the message does not show it.
        """
        ...


SIGNERS: Mapping[str, Signer] = MappingProxyType({"tencent_tc3": sign_tc3})
"""All signers by the name that documents use."""
