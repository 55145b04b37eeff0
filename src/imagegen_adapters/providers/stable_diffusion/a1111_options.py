"""The options of A1111's dialect in ``extra_config``."""

import attrs

from imagegen_adapters.providers.stable_diffusion.messages import StableDiffusionCode
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import ValidationFailed

DEFAULT_UPSCALER = "R-ESRGAN 4x+"


@attrs.frozen(kw_only=True)
class Options:
    """Which upscaler enlarges by default, and which scripts of extensions a caller may have run."""

    upscaler: str = DEFAULT_UPSCALER
    allow_scripts: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: ProviderConfig) -> "Options":
        """Return the options of a configuration.

        Raises:
            ValidationFailed: one is of another type.
        """
        upscaler = config.extra_config.get("upscaler", DEFAULT_UPSCALER)
        scripts = config.extra_config.get("allow_scripts", [])
        if not isinstance(upscaler, str) or not upscaler:
            raise ValidationFailed.for_field("extra_config.upscaler", StableDiffusionCode.NOT_AN_UPSCALER())
        if not isinstance(scripts, (list, tuple)) or not all(isinstance(name, str) for name in scripts):
            reason = StableDiffusionCode.NOT_SCRIPT_NAMES()
            raise ValidationFailed.for_field("extra_config.allow_scripts", reason)
        return cls(upscaler=upscaler, allow_scripts=frozenset(scripts))
