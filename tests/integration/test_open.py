"""`imagegen_adapters.open`: a program makes, keeps and finds images with one import."""

import importlib
import os
import re

import pytest

import imagegen_adapters
from imagegen_adapters import providers
from imagegen_adapters.providers.demo.provider import DemoProvider
from imagegen_adapters.stores.directory import DataDirectoryInUse
from imagegen_adapters.system import SystemClock
from imagegen_core import ImageGen, Operation, Refusal, TaskFailed, ValidationFailed

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]


async def test_what_is_made_is_kept_and_found_after_a_restart(tmp_path):
    """With its bytes, in Chinese of either script, newest first."""
    async with imagegen_adapters.open(tmp_path / "images") as imagegen:
        (cat,) = await imagegen.generate("雨中的一只小猫", width=64, height=64)
        (hat,) = await imagegen.edit(cat, "小猫戴帽子")
        path = await cat.save(tmp_path / "cat.png")
        assert await cat.read() == path.read_bytes()
    async with imagegen_adapters.open(str(tmp_path / "images")) as imagegen:
        hits = [image.id async for image in imagegen.search("小貓")]
        view = await imagegen.gallery.show(hat.id)

        assert [hat.id, cat.id] == hits
        assert (cat.id,) == view.relatives.parents
        assert b"WEBP" == (await (await imagegen.image(cat.id)).thumbnail())[8:12]


async def test_only_adapters_in_use_are_loaded(tmp_path, monkeypatch):
    """A program that uses one provider does not pay for the others."""
    loaded = []
    monkeypatch.setattr(
        providers, "import_module", lambda name: loaded.append(name) or importlib.import_module(name)
    )

    async with imagegen_adapters.open(tmp_path) as imagegen:
        await imagegen.generate("a cat", width=64, height=64)

    assert {"imagegen_adapters.providers.demo.provider"} == set(loaded)


async def test_an_image_from_a_file_is_as_good_as_one_that_is_kept(tmp_path):
    """And so are its bytes."""
    async with imagegen_adapters.open(tmp_path) as imagegen:
        (cat,) = await imagegen.generate("a cat", width=64, height=64)
        path = await cat.save(tmp_path / "cat.png")
        images = [
            *await imagegen.edit(path, "a hat"),
            *await imagegen.upscale(path.read_bytes()),
            *await imagegen.generate("both", references=[cat, path]),
        ]
        every = [image.id async for image in imagegen.search()]

    assert [4, 3, 2, 1] == every
    assert 3 == len(images)


async def test_a_deleted_image_is_gone(tmp_path):
    """From lists and from the disk."""
    async with imagegen_adapters.open(tmp_path) as imagegen:
        (cat,) = await imagegen.generate("a cat", width=64, height=64)
        await cat.delete()
        remaining = [image.id async for image in imagegen.search()]

    assert ([], []) == (remaining, [*(tmp_path / "images").rglob("*.png")])


async def test_a_failure_names_its_task(tmp_path):
    """So that nobody has to wonder what was paid for."""
    async with imagegen_adapters.open(tmp_path) as imagegen:
        with pytest.raises(TaskFailed) as caught:
            await imagegen.generate("a cat", refuse=True)
        failure = caught.value.task.failure

        assert ("content_policy", str(caught.value)) == (failure.code, failure.message)


async def test_a_request_that_is_wrong_is_refused_before_anything_is_stored(tmp_path):
    """A misspelt parameter, for one."""
    async with imagegen_adapters.open(tmp_path) as imagegen:
        with pytest.raises(Refusal, match="wdith"):
            await imagegen.run(Operation.GENERATE, "a cat", wdith=64)

        assert 0 == sum((await imagegen.parts.tasks.counts()).values())


async def test_keys_and_adapters_go_by_their_names(tmp_path):
    """A key is that of the provider whose name implies its kind; no log shows it."""
    async with imagegen_adapters.open(
        tmp_path, keys={"gemini": "key-of-mine"}, providers={"mine": DemoProvider(SystemClock())}
    ) as imagegen:
        (cat,) = await imagegen.generate("a cat", provider="mine", width=64, height=64)
        usable = [provider.config.provider_name for provider in await imagegen.providers.usable()]

        assert (["demo", "gemini", "mine"], "mine") == (sorted(usable), cat.record.provider_name)
        assert "key-of-mine" not in imagegen.parts.redactor.redact("Bearer key-of-mine")


async def test_an_empty_key_is_refused(tmp_path):
    """It is most often a variable that is not set."""
    with pytest.raises(ValidationFailed, match=re.escape("keys.gemini")):
        async with imagegen_adapters.open(tmp_path, keys={"gemini": os.environ.get("NO_SUCH_KEY", "")}):
            pytest.fail("it opened")


async def test_one_process_has_a_directory_at_a_time(tmp_path):
    """Two owners of one database would break every promise."""
    async with imagegen_adapters.open(tmp_path) as imagegen:
        assert isinstance(imagegen, ImageGen)
        with pytest.raises(DataDirectoryInUse):
            async with imagegen_adapters.open(tmp_path):
                pytest.fail("it opened")
