"""Power cuts under load: acknowledged tasks and completed images are stored."""

import time

import pytest

from tests.chaos.load import Load

CUTS = 20


@pytest.mark.long
@pytest.mark.timeout(900)
def test_repeated_power_cuts_under_load(stages, disk, measured):
    """An ext4 file system accepts no further write, with its journal unflushed, during many commits."""
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
