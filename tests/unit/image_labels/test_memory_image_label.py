"""The label in memory keeps its port's promises, and an inspector takes what it labelled."""

import re
from urllib.parse import unquote

import pytest

from imagegen_adapters.image_inspectors.in_thread import ThreadInspector
from imagegen_adapters.image_labels.memory import MemoryImageLabel, produce_id_in
from tests.contracts.image_inspector import in_chunks
from tests.contracts.image_label import FILES, ImageLabelContract

pytestmark = pytest.mark.anyio


@pytest.fixture
def label():
    return MemoryImageLabel()


class TestMemoryImageLabel(ImageLabelContract):
    @pytest.fixture
    def label(self, label):
        return label

    @pytest.fixture
    def label_reader(self):
        def read(content):
            line = re.search(r"made by a machine: (.*)\n$", content.decode("latin-1"))
            return line and unquote(line[1])

        return read


@pytest.mark.parametrize("name", FILES)
async def test_an_inspector_takes_a_labelled_image(label, name):
    """What comes behind the image does no harm to it."""
    content, media_type = FILES[name]

    chunks = label(in_chunks(content), media_type=media_type, produce_id="1")

    assert media_type is (await ThreadInspector().inspect(chunks)).mime_type


async def test_the_id_is_found_again(label):
    """In the whole file or in its end."""
    content, media_type = FILES["PNG"]
    chunks = label(in_chunks(content), media_type=media_type, produce_id="任务-1")
    labelled = b"".join([chunk async for chunk in chunks])

    assert ("任务-1", "任务-1", None) == (
        produce_id_in(labelled),
        produce_id_in(labelled[-100:]),
        produce_id_in(content),
    )
