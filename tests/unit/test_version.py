"""Which version is built, for everything that somebody may build from."""

import pytest

import version as versions

ROOT = versions.Path("/nowhere")
DIGEST = "0123456789abcdef0123456789abcdef01234567"
TIME = 1_800_000_000


def version_of(names, environ=None):
    return versions.version(ROOT, f"{TIME} {DIGEST} {names}", environ or {})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("HEAD -> main, tag: v1.2.3, origin/main", "1.2.3"),
        ("tag: v1.2.3", "1.2.3"),
        ("tag: v1.10.0rc2, tag: v1.9.0", "1.10.0rc2"),
        ("tag: v1.2.0, tag: v1.2.0rc1", "1.2.0"),
    ],
)
def test_a_tagged_commit_is_that_release(names, expected):
    """The highest, where it has several tags."""
    assert expected == version_of(names)


@pytest.mark.parametrize("names", ["", "HEAD -> main", "tag: nightly", "tag: v1", "tag: v1.2.3-old"])
def test_any_other_commit_has_its_time_and_hash(names):
    """On the way to the next release."""
    assert f"{versions.NEXT}.dev20270115080000+g0123456789" == version_of(names)


def test_where_nobody_knows_it_is_below_everything():
    """A copy of some files, without git and without metadata."""
    assert f"{versions.NEXT}.dev0" == versions.version(ROOT, "$Format:%ct %H %D$", {})


def test_who_builds_may_say_it():
    """Before anything else; an empty value says nothing."""
    assert ("7.8.9", "1.2.3") == (
        version_of("tag: v1.2.3", {"BUILD_VERSION": "7.8.9"}),
        version_of("tag: v1.2.3", {"BUILD_VERSION": ""}),
    )
