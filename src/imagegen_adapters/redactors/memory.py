"""Masks only registered secrets, so that tests can tell that this is why a text was masked."""

import attrs

from imagegen_adapters.redactors.spellings import MASK, spellings


@attrs.define
class MemoryRedactor:
    """Keeps all secrets in ``secrets``; text that only looks like a secret is not masked."""

    secrets: list[str] = attrs.field(factory=list)

    def register(self, secret: str) -> None:
        if secret not in self.secrets:
            self.secrets.append(secret)

    def contains_secret(self, data: bytes) -> bool:
        forms = {form.encode() for secret in self.secrets for form in spellings(secret)}
        cut = any(data.endswith(form[:length]) for form in forms for length in range(6, len(form)))
        return cut or any(form in data for form in forms)

    def redact(self, text: str, *, limit: int | None = None) -> str:
        forms = {form for secret in self.secrets for form in spellings(secret)}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, MASK)
        return text if limit is None else text[:limit]
