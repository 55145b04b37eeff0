"""The page about the architecture, and its images, name what is in the tree."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "explanation"
LABEL = re.compile(r'<text class="path"[^>]* data-path="([^"]+)">([^<]+)</text>')


def _labels(image):
    return LABEL.findall((FOLDER / image).read_text("utf-8"))


@pytest.mark.parametrize("image", ["hexagon.svg", "way-of-a-task.svg"])
def test_every_box_is_named_as_in_the_tree(image):
    """A box stands for a file or directory of that name, or for a method of the port it names."""
    paths = [path for paths, _ in _labels(image) for path in paths.split()]

    assert paths
    assert [] == [path for path in paths if not (ROOT / "src" / path).exists()]


@pytest.mark.parametrize("image", ["hexagon.svg", "way-of-a-task.svg"])
def test_labels_are_the_ends_of_their_paths(image):
    """What is read is what is checked."""
    pairs = [
        (label, path)
        for paths, labels in _labels(image)
        for label, path in zip(labels.split(), paths.split(), strict=True)
        if not label.endswith("()")
    ]

    assert [] == [(label, path) for label, path in pairs if not path.endswith(label)]


def test_the_steps_of_a_call_are_methods_of_the_port():
    """The second image shows the provider's methods."""
    port = (ROOT / "src" / "imagegen_core" / "ports" / "provider.py").read_text("utf-8")
    steps = [label.removesuffix("()") for _, label in _labels("way-of-a-task.svg") if label.endswith("()")]

    assert ["submit", "poll", "collect"] == steps
    assert all(f"async def {step}(" in port for step in steps)


def test_the_page_names_every_directory_of_adapters():
    """One that nobody explains is a surprise."""
    page = (FOLDER / "architecture.md").read_text("utf-8")
    directories = {
        entry.name
        for entry in (ROOT / "src" / "imagegen_adapters").iterdir()
        if (entry / "__init__.py").is_file()
    }

    assert set() == {name for name in directories if f"imagegen_adapters/{name}/" not in page}
