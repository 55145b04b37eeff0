"""The service under load with random faults and kills, for any time: ``./run soak --minutes N``.

A real service, two providers on loopback that charge for every call, a demo and a bucket; callers of all
kinds; faults determined by a seed. In the first and the last fifth of the time, the service is also killed
and stopped; in between, one process runs, whose memory, descriptors and files may not grow. Then all faults
end, and every promise is checked without using the service. The exit code is 1 if a promise is broken or
something grows. Ctrl-C ends the run early, with the checks; a second Ctrl-C ends it at once.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import attrs

from tests.soak.faults import Faults
from tests.soak.load import Load
from tests.soak.report import Outcome
from tests.soak.samples import EVERY_SECONDS, Sampler, too_fast
from tests.soak.stage import Stage

DEADLY = 0.2
"""The share of the time, at the beginning and at the end, in which the service is killed repeatedly."""
BETWEEN_FAULTS = 5


@attrs.define
class Soak:
    """One run of the soak test."""

    stage: Stage
    seconds: float
    rate: float
    seed: int
    every: float = EVERY_SECONDS
    early: bool = False
    broken: list = attrs.field(factory=list)

    def run(self):
        """Return the outcome."""
        self.stage.calm()
        self.stage.start()
        faults = Faults(self.stage, random.Random(self.seed))
        load = Load(self.stage, self.seed, self.rate)
        began = time.monotonic()
        with Sampler(self.stage, self.every) as sampler:
            try:
                with load:
                    self._let_things_go_wrong(faults, load, sampler)
            except KeyboardInterrupt:
                self.early = True
                print("ending early; once more ends at once", flush=True)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                self.early = True
                self.broken.append(f"a start or a stop failed: {error}")
                self.stage.service.kill()
            lasted = time.monotonic() - began
            self._drain(faults)
        self.broken += self.stage.promises.broken_at_the_end(self.stage)
        self.broken += dict.fromkeys(f"an answer that must never come: {defect}" for defect in load.defects)
        self.broken += [f"grows: {sentence}" for sentence in too_fast(sampler.longest_life())]
        return Outcome.from_run(self, sampler, faults, load, lasted)

    def _let_things_go_wrong(self, faults, load, sampler):
        began = reported = time.monotonic()
        never = threading.Event()
        while (passed := time.monotonic() - began) < self.seconds:
            part = passed / self.seconds
            never.wait(min(faults.chance.expovariate(1 / BETWEEN_FAULTS), self.seconds - passed))
            faults.happen(never, deadly=not DEADLY < part < 1 - DEADLY)
            if not self.stage.service.alive:
                self.broken.append(f"the service ended by itself: {self.stage.service.log[-2000:]}")
                self.stage.start()
            if time.monotonic() - reported > 60:
                reported = time.monotonic()
                print(progress(reported - began, self.stage, load, sampler), flush=True)

    def _drain(self, faults):
        """End all faults, let all tasks end, and start once more."""
        self.stage.calm()
        if not self.stage.service.alive:
            self.stage.start()
        faults.bring_back()
        print("draining", flush=True)
        try:
            self.stage.promises.check_every_task_ends()
        except AssertionError as error:
            self.broken.append(str(error))
        self.stage.end_life("the end", self.stage.service.stop)
        self.stage.start()


def progress(seconds, stage, load, sampler):
    """Return a line about the progress."""
    sizes = "no sample yet"
    if sampler.samples:
        last = sampler.samples[-1]
        health = "-" if last.health_ms is None else f"{last.health_ms:.0f} ms"
        sizes = (
            f"memory {last.main:.0f} MB, descriptors {last.descriptors}, WAL {last.wal:.1f} MB, "
            f"images {last.images:.1f} MB, health {health}"
        )
    return (
        f"{seconds / 60:5.1f} min: life {stage.lives}, {len(stage.promises.acknowledged)} tasks, "
        f"{sum(load.answers.values())} answers; {sizes}"
    )


def main():
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--minutes", type=float, default=60, help="how long, before everything comes to rest; 60"
    )
    parser.add_argument("--seed", type=int, help="repeat the faults of an earlier run")
    parser.add_argument("--rate", type=float, default=5, help="actions of all callers in a second; 5")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write it as Markdown, and FILE.svg beside it"
    )
    parser.add_argument(
        "--work-dir", type=Path, help="where to work; left out: the system's temporary directory"
    )
    parser.add_argument(
        "--no-full-disk", action="store_true", help="without a disk of its own; else root needs one"
    )
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    seed = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}; the same faults again: --seed {seed}", flush=True)
    filling = os.geteuid() == 0 and not options.no_full_disk
    folder = Path(tempfile.mkdtemp(prefix="imagegen-soak-", dir=options.work_dir))
    stage = Stage.make(folder, filling=filling)
    try:
        outcome = Soak(stage, options.minutes * 60, options.rate, seed).run()
        if outcome.broken:
            stage.service.kill()
            shutil.copytree(stage.service.data_dir, folder / "kept")
    except KeyboardInterrupt:
        sys.exit(f"ended at once, nothing was checked; what there is: {folder}")
    finally:
        stage.destroy()
    if options.report:
        outcome.write(options.report)
    print(outcome.text())
    if outcome.broken:
        print(f"what it leaves to look at: {folder}")
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
