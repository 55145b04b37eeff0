"""SIGKILL at random moments under load, again and again with one data directory."""

import random
import time

import pytest

from tests.chaos.load import Load
from tests.chaos.service import Service

SEED = 20_261_124


@pytest.mark.parametrize(
    "rounds", [4, pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(900)])], ids=str
)
def test_repeated_kills_under_load(stage, measured, rounds):
    """A fifth of the kills happen during the start, while unfinished work is resumed."""
    chance = random.Random(SEED)
    stage.upstream.be(seconds=0.15)

    for _ in range(rounds):
        _live_and_die(stage, chance)
    stage.service.start()
    stage.promises.check()

    measured(f"{rounds} random kills under load: {len(stage.promises.acknowledged)} acknowledged tasks kept")


def _live_and_die(stage, chance):
    service = stage.service
    if chance.random() < 0.2:
        service.launch()
        time.sleep(chance.uniform(0.02, 0.5))
        service.kill()
        return
    service.start()
    with Load(service) as load:
        time.sleep(chance.uniform(0.1, 1.5))
        service.kill()
    stage.promises.acknowledged |= {task_id for task_id, _ in load.acknowledged}
    stage.promises.check_nothing_is_lost()


def test_a_second_service_is_refused(stage):
    """Two services running the same tasks would pay twice."""
    stage.service.start()
    second = Service(stage.service.folder, stage.service.data_dir, stage.upstream, is_warm=True)
    announced = stage.service.data_dir / "server.json"
    content = announced.read_text()

    second.launch()

    assert 1 == second.process.wait(30)
    announced.write_text(content)
    assert "another imagegen process is using this data directory" in stage.service.log
