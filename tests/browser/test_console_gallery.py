"""The gallery: rows in true proportions, only what can be seen on the page, search and keys."""

import httpx
import pytest

WAIT = "Prefer", "wait=30"
_LAYOUT = """
const done = arguments[arguments.length - 1];
import("/console/pages/gallery-layout.js").then(({ lay, neighbour, rowAt, shapeOf }) => {
  const images = Array.from({ length: 2000 }, (_, n) => (
    { width: [512, 640, 360, 960, 64][n % 5], day: Math.floor(n / 90),
      height: [512, 360, 640, 240, 1024][n % 5] }));
  const shape = shapeOf(1200);
  const groupOf = ({ day }) => day;
  const whole = lay(images, shape, groupOf);
  let grown = null;
  for (let n = 100; n <= images.length; n += 100) grown = lay(images.slice(0, n), shape, groupOf, grown);
  const rows = whole.sections.flatMap((section) => section.rows);
  const boxes = rows.flatMap((row) => row.boxes.map((box) => ({ ...box, height: row.height })));
  const beheaded = images.filter(({ width, height }, at) => {
    const ratio = width / height;
    return ratio > 0.4 && ratio < 5 && Math.abs(boxes[at].width / boxes[at].height / ratio - 1) > 0.03;
  });
  done({
    same: JSON.stringify(whole) === JSON.stringify(grown),
    count: boxes.length,
    beheaded: beheaded.length,
    widest: Math.max(...boxes.map(({ left, width }) => left + width)),
    highest: Math.max(...rows.map(({ height }) => height)),
    mixed: rows.filter(({ from, boxes }) => images[from].day !== images[from + boxes.length - 1].day).length,
    backAgain: neighbour(whole, neighbour(whole, 45, 1), -1) - 45 < 8,
    found: rowAt(whole, 1999).row.from <= 1999,
  });
});
"""


@pytest.fixture
def server(serve):
    return serve()


def _generate(server, prompt, **params):
    task = httpx.post(
        f"{server.url}/api/v1/tasks/generate",
        json={"provider": "demo", "params": {"prompt": prompt, "width": 256, "height": 256, **params}},
        headers=dict([WAIT]),
        timeout=60,
    ).json()["data"]
    return [image["id"] for image in task["images"]]


def test_every_image_lies_in_its_own_proportions_in_a_row_of_its_day(chromium, server):
    """Whether all of them are laid at once or page by page."""
    chromium.get(f"{server.url}/docs")

    laid = chromium.execute_async_script(_LAYOUT)

    assert laid.pop("highest") <= 294
    assert laid == {
        "same": True,
        "count": 2000,
        "beheaded": 0,
        "widest": 1200,
        "mixed": 0,
        "backAgain": True,
        "found": True,
    }
