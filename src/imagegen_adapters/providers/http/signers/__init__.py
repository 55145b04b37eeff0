"""Signatures that fixed headers cannot express; a document names one by ``auth: {type: signer, signer: …}``.

A signer is pure: it gets the finished request, the two parts of the key and the time, and returns the headers
to add. To add one, write its module here and a line in `SIGNERS`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from imagegen_adapters.providers.http.messages import Malformed
from imagegen_adapters.providers.http.signers.jwt_hs256 import sign_jwt
from imagegen_adapters.providers.http.signers.requests import KeyPair, SignableRequest
from imagegen_adapters.providers.http.signers.signature_v4 import AWS, VOLCENGINE
from imagegen_adapters.providers.http.signers.tencent_tc3 import sign_tc3
from imagegen_adapters.providers.key_formats import malformed_key

Sign = Callable[[SignableRequest, KeyPair, Mapping[str, str], datetime], Mapping[str, str]]
"""Returns the headers that authenticate a request; the texts are the document's ``auth.options``."""


@attrs.frozen(kw_only=True)
class Signer:
    """How requests are signed, and ``key_form``, which shows people the form of the key.

    ``options`` are those that a document must give. A key that ``may_have_token`` may have a third part.
    What ``reads_body`` gets the whole of it; for another one a body is sent as it is read.
    """

    sign: Sign
    key_form: str
    options: tuple[str, ...] = ()
    may_have_token: bool = False
    reads_body: bool = True

    def headers(
        self, request: SignableRequest, key: str, options: Mapping[str, str], now: datetime
    ) -> Mapping[str, str]:
        """Return the headers that authenticate a request.

        Raises:
            ValueError: the key is not two parts around a colon; the message does not show it.
        """
        key_id, _, secret = key.partition(":")
        token: str | None = None
        if self.may_have_token and ":" in secret:
            secret, _, token = secret.partition(":")
        if not (key_id and secret) or token == "":
            raise Malformed(malformed_key(self.key_form))
        return self.sign(request, KeyPair(id=key_id, secret=secret, token=token), options, now)


SIGNERS: Mapping[str, Signer] = MappingProxyType(
    {
        "jwt_hs256": Signer(sign=sign_jwt, key_form="AccessKey:SecretKey", reads_body=False),
        "aws_sigv4": Signer(
            sign=AWS.sign,
            key_form="AccessKeyId:SecretAccessKey[:SessionToken]",
            options=("region", "service"),
            may_have_token=True,
        ),
        "volcengine": Signer(
            sign=VOLCENGINE.sign,
            key_form="AccessKeyId:SecretAccessKey[:SessionToken]",
            options=("region", "service"),
            may_have_token=True,
        ),
        "tencent_tc3": Signer(sign=sign_tc3, key_form="SecretId:SecretKey"),
    }
)
"""All signers by the name that documents use."""
