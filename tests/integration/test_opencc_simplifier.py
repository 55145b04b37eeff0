"""Traditional and simplified Chinese become the same text."""

import subprocess
import sys

import pytest

from imagegen_adapters.simplifiers.opencc import simplify
from imagegen_core.search.folding import fold


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


def test_dictionaries_are_read_when_they_are_needed():
    """Neither the import nor plain ASCII loads OpenCC."""
    program = (
        "import sys; from imagegen_adapters.simplifiers.opencc import simplify; "
        "simplify('a cat'); print('opencc' in sys.modules)"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "False" == result.stdout.strip()
