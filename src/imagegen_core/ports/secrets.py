"""Encrypts secrets at rest."""

from typing import Protocol

from imagegen_core.config import ProviderConfig


class SecretBox(Protocol):
    """Authenticated encryption under a master key. A token opens only in the context it was sealed for.

    A token that a box has opened once opens for as long as the box lives, also in the middle of a paid call.

    Raises:
        KeysLocked: the master key is missing or wrong, or the token was sealed for another context.
    """

    def seal(self, plaintext: str, *, context: str) -> str:
        """Return a printable token."""

    def open(self, token: str, *, context: str) -> str:
        """Return the plain text."""

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Return 32 bytes of each master key, for another purpose; to sign with the first one."""

    @property
    def locked(self) -> bool:
        """Whether it can neither seal nor open: the master key is missing or wrong."""


class ProviderConfigs(Protocol):
    """One configuration per provider name. Keys are sealed at rest, bound to provider and origin."""

    async def get(self, provider_name: str) -> ProviderConfig | None:
        """Return the saved configuration, or None; its key is `Secret.locked` if it cannot be decrypted."""

    async def all(self) -> tuple[ProviderConfig, ...]:
        """Return all saved configurations, sorted by name."""

    async def save(self, config: ProviderConfig, *, key_origin: str) -> None:
        """Store the configuration durably, with its key bound to ``key_origin``.

        Raises:
            Unavailable: the master key is missing or wrong, so nothing may be overwritten.
        """

    async def default(self) -> str | None:
        """Return the provider that was saved as the default, configured or not; None if none was."""

    async def set_default(self, provider_name: str | None) -> None:
        """Save the default durably; None removes it."""

    async def delete(self, provider_name: str) -> None:
        """Remove the configuration; the default stays, so that no task goes elsewhere unasked.

        Raises:
            ProviderConfigNotFound: there is none.
        """
