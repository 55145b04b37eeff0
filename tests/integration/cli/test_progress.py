"""What a person sees on a terminal while a command works."""

import pyte
import pytest

from tests.fakes.a1111 import FakeA1111
from tests.integration.api.held_upstream import HELD, behind

PROMPT = "一只可爱的猫坐在窗台上看着外面的雨，" * 2 + "远处有灯火"
BAR = "━"


def screen_of(terminal, columns):
    """Return the lines that the terminal shows now."""
    screen = pyte.Screen(columns, 24)
    pyte.Stream(screen).feed(terminal.shown)
    return screen.display


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_bar_is_visible_beside_a_long_chinese_prompt(other, columns, lang):
    """In one line with the beginning of the prompt and the time, at any width."""
    with FakeA1111() as upstream:
        upstream.hold.clear()
        other.configure(behind(upstream))
        terminal = other.on_terminal("generate", PROMPT, "--provider", HELD, "--lang", lang, columns=columns)
        assert upstream.begun.wait(60)
        terminal.until("0:00:01")
        line = next(line for line in screen_of(terminal, columns) if BAR in line)
        upstream.hold.set()

        assert 0 == terminal.end()
    assert len(PROMPT) > 40
    shown = [PROMPT[:2].strip() in line.replace(" ", ""), line.count(BAR) >= 5, "0:00:0" in line]
    assert [True] * 3 == shown
