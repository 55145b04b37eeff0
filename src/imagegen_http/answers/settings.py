"""Settings that hold now."""

from typing import Annotated

from imagegen_http.answers.fields import Answer, JsonObject, Scalar, doc
from imagegen_http.settings.shown import EffectiveSetting, Origin


class Setting(Answer, frozen=True, kw_only=True):
    """One setting, its value masked if it is a secret."""

    key: Annotated[str, doc("its path in `config.yaml`", "queue.workers")]
    value: Annotated[
        Scalar | list[Scalar | JsonObject] | JsonObject | None,
        doc("what holds: a number, a text, a list or a mapping; secrets are `****`", 32),
    ]
    source: Annotated[
        Origin,
        doc(
            "`environment`: a variable, or an option of `serve`; `database`: saved through the API",
            "default",
        ),
    ]

    @classmethod
    def from_effective(cls, setting: EffectiveSetting) -> "Setting":
        """Return a setting as answers have it."""
        return cls(key=setting.key, value=setting.value, source=setting.origin)
