"""axe-core, which finds what people with a disability stumble over; npm brings it, in a pinned version."""

import hashlib
import shutil
from functools import cache
from pathlib import Path

from tests.clients.packages import install_node

HERE = Path(__file__).parent
PINS, INSTALLED = HERE / "package.json", HERE / ".installed"

_RUN = """
const [type, values, experimental, done] = arguments;
const besides = Object.fromEntries(experimental.map((id) => [id, { enabled: true }]));
axe.run(document, { runOnly: { type, values }, rules: besides, resultTypes: ["violations"] })
  .then(({ violations }) => done(violations), (error) => done(String(error)));
"""
SMALL_FOR_A_FINGER = """
if (!matchMedia("(pointer: coarse)").matches) return [];
const least = 44;
const room = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
return [...room.querySelectorAll("a, button, input, select, summary")]
  .filter((element) => element.checkVisibility() && !element.closest(".unseen, .skip"))
  .map((element) => (element.matches("[type=checkbox], [type=radio]") && element.closest("label")) || element)
  .filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 0 && Math.min(width, height) < least - 0.5;
  })
  .map((element) => "too small for a finger: " + element.outerHTML.slice(0, 90));
"""
"""Finds what a finger cannot well hit, of the window over the page if there is one; for a mouse, nothing."""

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

EXPERIMENTAL = ("label-content-name-mismatch",)
"""Rules that axe runs only if named: who speaks what a control shows is to be understood (WCAG 2.5.3)."""


COLOURS = ("color-contrast", "link-in-text-block")
"""The rules for a page of which only the colours have changed; all of them take half a second."""


def axe_violations(driver, *, only=()):
    """Return what is wrong with the page as it is shown now: one line for each element and rule."""
    if not driver.execute_script("return 'axe' in window"):
        driver.execute_script(_axe())
    violations = driver.execute_async_script(
        _RUN, *(("rule", list(only), []) if only else ("tag", list(RULES), list(EXPERIMENTAL)))
    )
    assert isinstance(violations, list), violations
    return sorted(
        f"{violation['id']} ({violation['impact']}): {' '.join(map(str, node['target']))}: "
        f"{' '.join(node['failureSummary'].split())}"
        for violation in violations
        for node in violation["nodes"]
    )


@cache
def _axe():
    """Return axe's source; another version than the pinned one is replaced."""
    digest, stamp = hashlib.sha256(PINS.read_bytes()).hexdigest(), INSTALLED / "installed"
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(INSTALLED, ignore_errors=True)
        INSTALLED.mkdir()
        install_node(PINS, INSTALLED)
        stamp.write_text(digest)
    return (INSTALLED / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
