"""Commands that only read leave no trace in a directory without data, and name that directory."""

import pytest

from tests.integration.cli.outcomes import failed, good

LOOKING = [
    ("images", "list"),
    ("images", "search", "猫"),
    ("images", "show", "1"),
    ("images", "delete", "1", "--yes"),
    ("images", "export", "out"),
    ("tasks", "list"),
    ("tasks", "show", "0"),
    ("tasks", "cancel", "0"),
    ("tasks", "retry", "0"),
    ("providers", "list"),
    ("providers", "test", "demo"),
    ("providers", "remove", "demo", "--yes"),
    ("storage", "sync"),
    ("storage", "expire"),
    ("storage", "verify"),
    ("reindex",),
    ("backup", "it.backup"),
    ("keys", "rotate"),
]


@pytest.mark.parametrize("arguments", LOOKING, ids=" ".join)
@pytest.mark.parametrize("exists", [False, True])
def test_no_data_is_an_error_and_stays_so(other, arguments, exists):
    """Neither directory nor database nor key is created; the only line names the place."""
    if exists:
        other.data_dir.mkdir()
    before = sorted(other.folder.rglob("*"))
    message = failed(other.imagegen(*arguments, environ={"IMAGEGEN_MASTER_KEY": "A" * 43 + "="}))

    assert (True, before) == (str(other.data_dir) in message, sorted(other.folder.rglob("*")))


@pytest.mark.parametrize("arguments", [("config", "show"), ("config", "check"), ("doctor",)], ids=" ".join)
def test_settings_are_shown_without_a_directory(other, arguments):
    """And none is created."""
    other.imagegen(*arguments)

    assert [] == list(other.folder.iterdir())


def test_reading_generates_no_missing_key(desk):
    """Not even if nothing is sealed: the operator may be about to restore it."""
    for name in ("master.key", "master.check"):
        (desk.data_dir / name).unlink()
    desk.imagegen("images", "list")

    assert not (desk.data_dir / "master.key").exists()


def test_a_backup_of_nothing_fails(other):
    """An empty database is as good as none: most likely it is not the intended one."""
    server = other.start()
    server.stop()
    message = failed(other.imagegen("backup", "it.backup"))

    assert (True, False) == ("nothing to back up" in message, (other.folder / "it.backup").exists())


@pytest.mark.parametrize(
    ("arguments", "stream"),
    [
        (("providers", "set", "kept", "--kind", "demo"), "stdout"),
        (("images", "search", "nowhere"), "stderr"),
        (("tasks", "list", "--provider", "nobody"), "stderr"),
        (("keys", "rotate"), "stdout"),
        (("backup", "it.backup"), "stdout"),
    ],
)
def test_messages_about_data_name_the_directory(desk, arguments, stream):
    """So that a wrong one is noticed at once."""
    assert str(desk.data_dir) in getattr(desk.imagegen(*arguments), stream)


def test_a_new_directory_is_named(other):
    """By the command that creates it."""
    assert str(other.data_dir) in good(other.imagegen("generate", "a cat"))
