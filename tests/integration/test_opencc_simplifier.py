"""Traditional and simplified Chinese become the same text."""

import hashlib
import subprocess
import sys
from importlib import metadata

import pytest

from imagegen_adapters.stores.search import FOLDING_DIGESTS, folding_digest, folding_version
from imagegen_adapters.system import release_dictionaries, simplify
from imagegen_core.search import fold


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("貓咪與夢境", "猫咪与梦境"),
        ("ＣＡＴ與貓", "cat与猫"),
        ("已经简体", "已经简体"),
        ("Cat", "cat"),
        ("", ""),
    ],
)
def test_folding_ends_in_simplified_characters(traditional, simplified):
    """Whichever was typed, the folded text is the simplified one."""
    assert simplified == fold(traditional, simplify)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="its Unicode may fold otherwise, so it is computed")
def test_dictionaries_are_read_when_they_are_needed():
    """Neither the import nor plain ASCII nor the version of an index loads OpenCC."""
    program = (
        "import sys; from imagegen_adapters.system import simplify; "
        "from imagegen_adapters.stores.search import folding_version; "
        "folding_version(simplify); simplify('a cat'); print('opencc' in sys.modules)"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "False" == result.stdout.strip()


def test_released_dictionaries_are_loaded_again():
    """A conversion after the release is the same as one before it."""
    before = simplify("貓咪")
    release_dictionaries()

    assert "猫咪" == before == simplify("貓咪")


def test_the_version_is_a_hash_of_all_characters_folded_at_once():
    """It is stored with each index, so in which pieces it is computed must not change it."""
    characters = "\n".join(map(chr, (*range(0x21, 0xAC00), *range(0xF900, 0x10000))))
    digest = hashlib.sha256(fold(characters, simplify).encode()).hexdigest()

    assert digest[:16] == folding_digest(simplify) == folding_version(simplify).partition("-")[2]


def test_the_hash_of_the_installed_dictionaries_is_known():
    """A version of OpenCC that has none yet would let each start compute it."""
    assert metadata.version("OpenCC") in {opencc for opencc, _ in FOLDING_DIGESTS}
