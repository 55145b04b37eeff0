"""Reads a YAML file as plain values; a duplicate key is an error."""

from pathlib import Path
from typing import Any

import yaml

from imagegen_http.problems.system_errors import read_problem
from imagegen_http.settings.messages import SettingCode
from imagegen_http.settings.schema import SettingsError
from imagegen_http.settings.validators import InvalidValue

_MAX_FILE_BYTES = 1024 * 1024
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys: PyYAML silently keeps the last, so a second ``server:`` would lose the token.

    They are checked while composing, when a mapping holds only what is written and nothing merged by ``<<``.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                first = lines[key.value]
                raise InvalidValue(SettingCode.KEY_TWICE(key=key.value, first=first, second=line))
            lines[key.value] = line
        return node


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML (or JSON) file.

    Raises:
        SettingsError: it cannot be read, or a mapping has a duplicate key.
    """
    text = read_file(path)
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader
    except InvalidValue as error:
        raise SettingsError(str(path), error.reason) from error
    except (ValueError, OverflowError, RecursionError) as error:  # an impossible date, endless nesting
        raise SettingsError(str(path), SettingCode.VALUE_UNREADABLE()) from error
    except yaml.YAMLError as error:
        mark, detail = getattr(error, "problem_mark", None), str(getattr(error, "problem", ""))
        reason = SettingCode.NOT_YAML(detail=detail)
        if mark is not None:
            reason = SettingCode.NOT_YAML_IN_LINE(line=mark.line + 1, detail=detail)
        raise SettingsError(str(path), reason) from error


def read_file(path: Path) -> str:
    """Return the text of a file, of one that is too long its beginning.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return path.read_bytes()[:_MAX_FILE_BYTES].decode()
    except (OSError, UnicodeDecodeError) as error:
        detail = read_problem(error)
        raise SettingsError(str(path), SettingCode.FILE_UNREADABLE(detail=detail)) from error


def read_settings_file(path: Path) -> dict[str, Any]:
    """Return the tree of settings of a file; an empty file has none.

    Raises:
        SettingsError: it cannot be read.
    """
    tree = read_yaml(path)
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(str(path), SettingCode.NOT_A_MAPPING())
    return tree
