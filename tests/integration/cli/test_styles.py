"""``imagegen styles``: from a file to the service, and from there to a file."""

import json

import pytest

from tests.integration.cli.outcomes import failed, good

RED = {"id": "red", "name": {"zh": "红底"}, "prompt": {"zh": "{prompt}，红色背景"}, "params": {"num": 2}}


@pytest.fixture
def desk(start_server):
    return start_server({})


def test_styles_are_carried_by_a_file(desk, tmp_path):
    """All that was saved is as it was, but for its image; twice does no harm."""
    file, carried = tmp_path / "一.json", tmp_path / "all.json"
    file.write_text(json.dumps([{**RED, "image_id": 7}]), "utf-8")
    assert "red" == good(desk.imagegen("styles", "import", str(file))).strip()
    carried.write_text(good(desk.imagegen("styles", "export")), "utf-8")
    good(desk.imagegen("styles", "delete", "red", "--yes"))
    for _ in range(2):
        ids = good(desk.imagegen("styles", "import", str(carried))).split()

    shown = json.loads(good(desk.imagegen("styles", "show", "red")))
    rows = [line.split("\t") for line in good(desk.imagegen("styles", "list")).splitlines()]
    assert ids[-1] == "red"
    assert (RED["params"], None, False) == (shown["params"], shown["image_id"], shown["shipped"])
    assert ["red", "红底", "{prompt}，红色背景"] == rows[-1]
    assert "White background" == rows[0][1]


def test_a_style_is_deleted_once(desk, tmp_path):
    """One that ships cannot be; what is not there is named."""
    file = tmp_path / "styles.json"
    file.write_text(json.dumps({"styles": [RED]}), "utf-8")
    good(desk.imagegen("styles", "import", str(file)))

    assert "deleted red" == good(desk.imagegen("styles", "delete", "red", "--yes")).strip()
    for style in ("red", "scene"):
        assert style in failed(desk.imagegen("styles", "delete", style, "--yes"))
    assert "red" in failed(desk.imagegen("styles", "show", "red"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"styles": [\n{]}', "styles.json:2: it is not JSON"),
        (" ", "styles.json: it is empty"),
        ("[]", "styles"),
        ('[{"id": "a", "name": {"en": "A"}, "prompt": {"en": "nothing"}}]', "styles.0.prompt"),
    ],
)
def test_a_file_that_has_no_styles_saves_none(desk, tmp_path, text, reason):
    """The line or the field says where."""
    file = tmp_path / "styles.json"
    file.write_text(text, "utf-8")

    assert reason in failed(desk.imagegen("styles", "import", str(file)))
    assert 5 == len(good(desk.imagegen("styles", "list")).splitlines())
    assert "no such file" in failed(desk.imagegen("styles", "import", str(tmp_path / "nothing"))).lower()
