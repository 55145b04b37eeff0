"""Changes of a saved configuration; values that a client sends back masked, as they were shown, stay."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.providers.addresses import check_api_base
from imagegen_core.providers.config import MASKED_SETTINGS, ProviderConfig
from imagegen_core.providers.secret_reach import SecretKind, secret_headers
from imagegen_core.providers.secrets import Secret, is_masked


@attrs.frozen(kw_only=True)
class ProviderChange:
    """The changed fields of `ProviderConfig` by name, without the key, which is None if it stays.

    ``masked_headers`` are secret headers that came back masked, ``sent_headers`` those sent with their
    values.
    """

    fields: Mapping[str, Any] = attrs.field(repr=False)
    api_key: Secret | None = None
    masked_headers: frozenset[str] = frozenset()
    sent_headers: frozenset[str] = frozenset()
    sends_proxy: bool = False

    @classmethod
    def from_fields(cls, changes: Mapping[str, Any], key: Secret | None, shown: ProviderConfig) -> Self:
        """Return the change that a client makes to the configuration that it was shown.

        ``changes`` are all fields but the key.

        Raises:
            ValidationFailed: the address or the proxy's password is wrong.
        """
        fields = dict(changes)
        if fields.get("api_base"):
            fields["api_base"] = check_api_base(fields["api_base"])
        if "extra_config" not in fields:
            return cls(fields=fields, api_key=key)
        extra = fields["extra_config"]
        fields["extra_config"] = _unmasked(extra, shown.extra_config)
        headers = extra.get("headers")
        texts = headers if isinstance(headers, Mapping) else {}
        masked = frozenset(name for name, text in texts.items() if is_masked(str(text)))
        return cls(
            fields=fields,
            api_key=key,
            masked_headers=masked,
            sent_headers=frozenset(texts) - masked,
            sends_proxy="proxy" in extra and fields["extra_config"]["proxy"] == extra["proxy"],
        )

    def includes(self, secret: SecretKind, changed: ProviderConfig) -> bool:
        """Return whether the client itself sent the secret that the changed configuration contains."""
        match secret:
            case SecretKind.API_KEY:
                return self.api_key is not None
            case SecretKind.HEADERS:
                return secret_headers(changed) <= self.sent_headers
            case SecretKind.PROXY:
                return self.sends_proxy
            case _:
                return False

    def apply_to(self, config: ProviderConfig, *, at: datetime) -> ProviderConfig:
        """Return the changed configuration."""
        changed = attrs.evolve(config, **self.fields, updated_at=at)
        return changed if self.api_key is None else attrs.evolve(changed, api_key=self.api_key)


def _unmasked(extra: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    unmasked, shown_headers = dict(extra), shown.get("headers") or {}
    if isinstance(headers := extra.get("headers"), Mapping):
        unmasked["headers"] = {
            name: shown_headers.get(name, text) if isinstance(text, str) and is_masked(text) else text
            for name, text in headers.items()
        }
    for name in MASKED_SETTINGS:
        if isinstance(text := extra.get(name), str) and is_masked(text) and name in shown:
            unmasked[name] = shown[name]
    proxy, saved = extra.get("proxy"), shown.get("proxy")
    if isinstance(proxy, str) and isinstance(saved, str) and is_masked(_user_of(proxy)):
        unmasked["proxy"] = proxy.replace(_user_of(proxy), _user_of(saved), 1)
        if unmasked["proxy"] != saved:
            raise ValidationFailed.for_field("extra_config.proxy", ProblemCode.PROXY_PASSWORD_NEEDED())
    return unmasked


def _user_of(proxy: str) -> str:
    return proxy.partition("://")[2].rpartition("@")[0]
