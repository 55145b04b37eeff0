"""Reads a YAML file as plain values; a duplicate key is an error."""

from pathlib import Path
from typing import Any

import yaml

from imagegen_http.settings.schema import SettingsError

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
                raise SettingsError(
                    f"the key {key.value} is there twice, in line {lines[key.value]} and line {line}"
                )
            lines[key.value] = line
        return node


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML (or JSON) file.

    Raises:
        SettingsError: it cannot be read, or a mapping has a duplicate key.
    """
    try:
        text = path.read_bytes()[:_MAX_FILE_BYTES].decode()
        return yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader
    except SettingsError as error:
        raise SettingsError(f"{path.name}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise SettingsError(f"{path.name}: cannot be read: {reason}") from error
    except (ValueError, OverflowError, RecursionError) as error:  # an impossible date, endless nesting
        raise SettingsError(f"{path.name}: holds a value that cannot be read") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path.name}: is not YAML{line}: {getattr(error, 'problem', '')}") from error


def read_settings_file(path: Path) -> dict[str, Any]:
    """Return the tree of settings of a file; an empty file has none.

    Raises:
        SettingsError: it cannot be read.
    """
    tree = read_yaml(path)
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"{path.name}: must be a mapping of keys")
    return tree
