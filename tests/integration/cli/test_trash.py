"""``imagegen images delete|trash|restore|empty-trash``, and what a backup takes of the trash."""

import json

from tests.integration.api.live_server import LiveServer
from tests.integration.cli.outcomes import failed, good

SMALL = ("--param", "width=64", "--param", "height=64")


def files_of(server):
    return sorted(path.name for path in (server.data_dir / "images").rglob("*.png"))


def test_a_deleted_image_comes_back_even_from_a_backup(other, tmp_path):
    """Its bytes are neither orphans nor missing, and emptying the trash removes them."""
    good(other.imagegen("generate", "一只猫", *SMALL))
    good(other.imagegen("generate", "一座灯塔", *SMALL))
    before = files_of(other)
    assert "deleted 1\n" == good(other.imagegen("images", "delete", "1", "--yes"))
    (listed,) = json.loads(good(other.imagegen("images", "trash", "--json")))
    checked = good(other.imagegen("doctor", "--json"))
    good(other.imagegen("backup", str(tmp_path / "backup")))
    (tmp_path / "copy").mkdir()
    copy = LiveServer(tmp_path / "copy")
    good(copy.imagegen("restore", str(tmp_path / "backup")))

    assert (1, "一只猫", before) == (listed["id"], listed["prompt"], files_of(other))
    assert "ok" == {check["name"]: check["status"] for check in json.loads(checked)["checks"]}["orphans"]
    assert "1\n" == good(copy.imagegen("images", "restore", "1"))
    assert before == files_of(copy)
    assert "prompt" in good(copy.imagegen("images", "show", "1"))
    good(other.imagegen("images", "empty-trash", "--yes"))
    assert "1" in failed(other.imagegen("images", "restore", "1"))
    assert [] == json.loads(good(other.imagegen("images", "trash", "--json")))
