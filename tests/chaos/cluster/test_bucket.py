"""The bucket is down while images are made."""

import pytest

from tests.chaos.cluster.callers import Callers
from tests.chaos.cluster.promises import FleetPromises
from tests.chaos.service import wait_until

IMAGES = 20


@pytest.mark.timeout(300)
def test_images_are_made_and_shown_meanwhile(fleet, measured):
    """Tasks end and each node shows what another has made; it is uploaded later."""
    promises = FleetPromises(fleet)
    fleet.upstream.be(image_bytes=200_000)
    fleet.add(2)
    fleet.bucket.down()
    with Callers(fleet) as callers:
        wait_until(lambda: len(callers.acknowledged) >= IMAGES, awaited=f"{IMAGES} tasks")
    promises.keep(callers)

    promises.check()
    assert {"completed"} == {status for status, *_ in promises.ended.values()}
    assert {} == fleet.bucket.objects
    fleet.bucket.up()
    promises.check_uploads()
    promises.check_images()
    measured(f"bucket down: {len(promises.ended)} tasks completed, shown by 2 nodes, uploaded later")
