"""The power goes under load: what was acknowledged is there, and so is every completed image."""

import time

import pytest

from tests.chaos.load import Load

CUTS = 20


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_power_goes_again_and_again(stages, disk, measured):
    """An ext4 that takes no further byte, its log unflushed, at a moment when many commits are under way."""
    small = disk(megabytes=512)
    stage = stages(data_dir=small.mount_point / "data")
    stage.upstream.be(seconds=0.1)

    for number in range(CUTS):
        _cut_power(stage, small, working_for=0.4 + 0.07 * number)
    stage.service.kill()

    promises = stage.promises
    measured(
        f"{CUTS} power cuts under load: {len(promises.acknowledged)} acknowledged tasks"
        f" and {len(promises.completed)} images that a client had seen, all kept"
    )


def _cut_power(stage, disk, *, working_for):
    service, promises = stage.service, stage.promises
    service.start()
    with Load(service) as load:
        time.sleep(working_for)
        cut = time.monotonic()
        disk.cut_power()
        service.kill()
    promises.blackouts.append((cut, time.monotonic()))
    promises.acknowledged |= load.acknowledged_before(cut)
    promises.completed |= load.completed_before(cut)
    disk.unmount()
    disk.mount()
    service.start()
    promises.check()
    service.kill()
