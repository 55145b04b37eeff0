import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from imagegen_adapters.secrets import FernetSecretBox, MasterKeyRefused, new_key
from imagegen_core.errors import KeysLocked, Unavailable


def started(directory, *, environment_keys=None, sample=None):
    return FernetSecretBox.for_directory(directory, environment_keys=environment_keys, sample=sample)


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_first_start_makes_a_key_for_its_owner_only(tmp_path):
    """Mode 0600, and nothing half-written beside it."""
    started(tmp_path)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert {"master.key": 0o600, "master.check": 0o600} == modes


def test_the_next_start_opens_what_was_sealed(tmp_path):
    """The key lives in its file."""
    token = started(tmp_path).seal("sk-1", context="a")

    assert "sk-1" == started(tmp_path, sample=token).open(token, context="a")


def test_a_key_from_the_environment_is_written_nowhere(tmp_path):
    """Only its witness is."""
    key = new_key()
    token = started(tmp_path, environment_keys=key).seal("sk-1", context="a")

    assert ["master.check"] == [path.name for path in tmp_path.iterdir()]
    assert "sk-1" == started(tmp_path, environment_keys=key).open(token, context="a")


def test_the_same_key_twice_is_fine(tmp_path):
    """Environment and file may agree."""
    started(tmp_path)

    assert not started(tmp_path, environment_keys=(tmp_path / "master.key").read_text()).locked


def test_two_different_keys_stop_the_start(tmp_path):
    """Neither is overwritten, and no key is in the message."""
    started(tmp_path)
    before, other = contents(tmp_path), new_key()
    with pytest.raises(MasterKeyRefused, match=r"master\.key") as caught:
        started(tmp_path, environment_keys=other)

    assert (before, False) == (contents(tmp_path), other in str(caught.value))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_a_key_that_others_may_read_stops_the_start(tmp_path, mode):
    """One line says what to do."""
    started(tmp_path)
    (tmp_path / "master.key").chmod(mode)

    with pytest.raises(MasterKeyRefused, match="chmod 600"):
        started(tmp_path)


def locked_states(tmp_path):
    token = started(tmp_path).seal("sk-1", context="a")
    key_file, check_file = tmp_path / "master.key", tmp_path / "master.check"
    return token, key_file, check_file


def assert_locked(directory, sample, *, environment_keys=None):
    before = contents(directory)
    box = started(directory, environment_keys=environment_keys, sample=sample)
    for act in (box.seal, box.open, lambda token, context: box.rotate(token)):
        with pytest.raises(Unavailable):
            act(sample or "x", context="a")
    assert (True, before) == (box.locked, contents(directory))
    assert box.lock_reason


def test_a_missing_key_locks(tmp_path):
    """No new key is made while something is sealed under the old one."""
    token, key_file, _ = locked_states(tmp_path)
    key_file.unlink()

    assert_locked(tmp_path, token)


def test_a_missing_key_locks_when_the_witness_is_gone_too(tmp_path):
    """A sealed row is enough to know that there was a key."""
    token, key_file, check_file = locked_states(tmp_path)
    key_file.unlink()
    check_file.unlink()

    assert_locked(tmp_path, token)


def test_a_missing_key_locks_when_only_the_witness_is_left(tmp_path):
    """The environment that held the key may just not be there today."""
    started(tmp_path, environment_keys=new_key())

    assert_locked(tmp_path, None)


def test_a_wrong_key_locks(tmp_path):
    """The witness tells."""
    token, key_file, _ = locked_states(tmp_path)
    key_file.write_text(new_key())

    assert_locked(tmp_path, token)


def test_a_wrong_key_locks_a_restored_database(tmp_path):
    """There is no witness after a restore; a sealed row tells."""
    token, key_file, check_file = locked_states(tmp_path)
    check_file.unlink()
    key_file.write_text(new_key())

    assert_locked(tmp_path, token)


def half_mistyped(key):
    """Return another key with the same first half, by which Fernet signs: only the cipher's half differs."""
    signing, cipher = urlsafe_b64decode(key)[:16], urlsafe_b64decode(new_key())[16:]
    return urlsafe_b64encode(signing + cipher).decode()


@pytest.mark.parametrize("gone", [None, "sample", "master.check"])
def test_a_key_of_which_only_the_first_half_is_right_locks(tmp_path, gone):
    """Whatever is there to check it by."""
    token, key_file, check_file = locked_states(tmp_path)
    key_file.write_text(half_mistyped(key_file.read_text()))
    if gone == "master.check":
        check_file.unlink()

    assert_locked(tmp_path, None if gone == "sample" else token)


def test_a_box_with_half_of_a_right_key_neither_opens_nor_rotates():
    """The refusal is that of a wrong key."""
    right = new_key()
    token, box = FernetSecretBox([right]).seal("sk-1", context="a"), FernetSecretBox([half_mistyped(right)])
    for attempt in (lambda: box.open(token, context="a"), lambda: box.rotate(token)):
        with pytest.raises(KeysLocked):
            attempt()

    assert (False, False) == (box.opens(token), box.is_current(token))


def test_a_witness_is_no_sealed_key():
    """Put where a key should be, it is refused as another's token is."""
    box = FernetSecretBox([new_key()])
    with pytest.raises(KeysLocked):
        box.open(box.new_witness(), context="a")


def test_a_sealed_witness_is_replaced(tmp_path):
    """Data directories of before have one that only the cipher opens."""
    token, _, check_file = locked_states(tmp_path)
    witness = check_file.read_text()
    check_file.write_text(token)

    assert (False, witness) == (started(tmp_path, sample=token).locked, check_file.read_text())


@pytest.mark.parametrize("text", ["", "\n", "short", "x" * 44, "\x00\xff", "{key}{key}"])
def test_a_damaged_key_locks(tmp_path, text):
    """It is a wrong key, not a crash."""
    token, key_file, _ = locked_states(tmp_path)
    key_file.write_text(text.replace("{key}", key_file.read_text().strip()))

    assert_locked(tmp_path, token)


def test_the_right_key_unlocks_again(tmp_path):
    """Nothing was lost meanwhile."""
    token, key_file, _ = locked_states(tmp_path)
    right = key_file.read_text()
    key_file.write_text(new_key())
    started(tmp_path, sample=token)
    key_file.write_text(right)

    assert "sk-1" == started(tmp_path, sample=token).open(token, context="a")


def test_a_new_key_in_front_of_the_old_one_opens_both(tmp_path):
    """The way to rotate a key that comes from the environment."""
    old, new = new_key(), new_key()
    token = started(tmp_path, environment_keys=old).seal("sk-1", context="a")
    box = started(tmp_path, environment_keys=f"{new},{old}", sample=token)
    rotated = box.rotate(token)

    assert "sk-1" == started(tmp_path, environment_keys=new, sample=rotated).open(rotated, context="a")


def test_a_key_that_appears_while_one_is_made_is_kept(tmp_path, monkeypatch):
    """Two first starts at once agree on one key."""
    from imagegen_adapters import secrets

    other = new_key()
    written = secrets._new_file

    def slow(directory, text):
        path = written(directory, text)
        if not (directory / "master.key").exists():
            written(directory, other).rename(directory / "master.key")
        return path

    monkeypatch.setattr(secrets, "_new_file", slow)

    assert (other,) == secrets.make_key(tmp_path)
