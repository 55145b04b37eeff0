"""Which parameters of a model a form shows, and in which order."""

from imagegen_core.providers.capabilities import Model, Parameter
from imagegen_core.providers.form_fields import Group
from imagegen_core.providers.known_fields import KNOWN_FIELDS
from imagegen_core.providers.size_presets import SIZE_NAMES

SIZE_CONTROL = "size"
"""The one control for all parameters that set the size."""

_GROUPS = tuple(Group)
_KNOWN = tuple(KNOWN_FIELDS)


def form_of(model: Model) -> tuple[str, ...]:
    """Return the controls of a form for the model: names of parameters, and ``size`` for all that set it.

    Those that the model's description names, in its order, and then what belongs to one operation; all, by
    group, where it names none.
    """
    ordered = sorted(model.parameters, key=_place)
    controls = tuple(dict.fromkeys(control_of(parameter.name) for parameter in ordered))
    if not model.form:
        return controls
    own = (parameter.name for parameter in ordered if parameter.operations)
    return tuple(dict.fromkeys(name for name in (*model.form, *own) if name in controls))


def control_of(name: str) -> str:
    """Return the control that a parameter is part of."""
    return SIZE_CONTROL if name in SIZE_NAMES else name


def _place(parameter: Parameter) -> tuple[int, int]:
    name, group = parameter.name, parameter.form_field.group
    return _GROUPS.index(group), _KNOWN.index(name) if name in _KNOWN else len(_KNOWN)
