"""A repository and a queue driven through everything that may happen to tasks, beside a model of them."""

import asyncio
from collections import Counter
from datetime import timedelta

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from imagegen_core.errors import Failure, FailureCode, IdempotencyKeyReused, QueueFull, StaleTask
from imagegen_core.ports.tasks import IdempotencyClaim, TaskFilter
from imagegen_core.search import Paging
from imagegen_core.task import TaskStatus
from tests.contracts.samples import NOW, a_task, an_attempt

QUEUE_SIZE = 5
KEY_SECONDS = 100
PROVIDERS = ("busy", "free")
delays = st.none() | st.integers(min_value=0, max_value=60)
picks = st.integers(min_value=0, max_value=50)


class TaskMachine(RuleBasedStateMachine):
    """Every answer of the adapters is the model's. A subclass opens them."""

    def open(self):
        """Return a repository and a queue over nothing."""
        raise NotImplementedError

    def reopen(self):
        """Return a repository and a queue over what a crash left."""
        raise NotImplementedError

    @initialize()
    def start(self):
        self.runner = asyncio.Runner()
        self.repository, self.queue = self.open()
        self.now = NOW
        self.owner = "owner 0"
        self.tasks = {}
        self.keys = {}
        self.outdated = []

    def teardown(self):
        if hasattr(self, "runner"):
            self.runner.close()

    def run(self, call):
        return self.runner.run(call)

    def having(self, status):
        return [task for task in self.tasks.values() if task.status is status]

    def after(self, delay):
        return None if delay is None else self.now + timedelta(seconds=delay)

    def save(self, task):
        """Store a change that the model makes too."""
        before = self.tasks[task.task_id]
        self.outdated.append(before)
        self.run(self.repository.save(before.fence, task=task))
        self.tasks[task.task_id] = task

    def has_processing(self):
        return bool(self.having(TaskStatus.PROCESSING))

    def processing(self, pick):
        tasks = self.having(TaskStatus.PROCESSING)
        return tasks[pick % len(tasks)]

    # ------------------------------------------------------------ what callers do

    @rule(provider=st.sampled_from(PROVIDERS), delay=delays)
    def add(self, provider, delay):
        task = a_task(provider_name=provider, created_at=self.now, not_before=self.after(delay))
        full = len(self.having(TaskStatus.PENDING)) >= QUEUE_SIZE
        if full:
            with pytest.raises(QueueFull):
                self.run(self.repository.add(task, queue_size=QUEUE_SIZE))
        else:
            added = self.run(self.repository.add(task, queue_size=QUEUE_SIZE))
            assert not added.replayed
            self.tasks[task.task_id] = task

    @rule(key=st.sampled_from("kl"), body=st.sampled_from(["aa", "bb"]))
    def add_with_key(self, key, body):
        task = a_task(created_at=self.now)
        expires_at = self.now + timedelta(seconds=KEY_SECONDS)
        claim = IdempotencyClaim(scope="s", key=key, body_sha256=body, expires_at=expires_at)
        add = self.repository.add(task, queue_size=QUEUE_SIZE, claim=claim)
        used = self.keys.get(key)
        if used is not None and used[2] > self.now:
            if used[0] != body:
                with pytest.raises(IdempotencyKeyReused):
                    self.run(add)
            else:
                added = self.run(add)
                assert (True, self.tasks[used[1]]) == (added.replayed, added.task)
        elif len(self.having(TaskStatus.PENDING)) >= QUEUE_SIZE:
            with pytest.raises(QueueFull):
                self.run(add)
        else:
            assert not self.run(add).replayed
            self.tasks[task.task_id] = task
            self.keys[key] = (body, task.task_id, expires_at)

    @precondition(lambda self: self.having(TaskStatus.PENDING))
    @rule(pick=picks)
    def cancel_waiting(self, pick):
        waiting = self.having(TaskStatus.PENDING)
        self.save(waiting[pick % len(waiting)].cancel(self.now))

    @precondition(has_processing)
    @rule(pick=picks)
    def wish_to_cancel(self, pick):
        task = self.processing(pick)
        self.tasks[task.task_id] = attrs.evolve(task, cancel_requested=True)

        assert self.tasks[task.task_id] == self.run(self.repository.request_cancel(task.task_id))

    # ------------------------------------------------------------ what workers do

    @rule(
        limit=st.integers(min_value=1, max_value=4),
        limits=st.dictionaries(st.sampled_from(PROVIDERS), st.integers(min_value=1, max_value=5)),
    )
    def claim(self, limit, limits):
        self.end_deferrals()
        due = [t for t in self.having(TaskStatus.PENDING) if t.not_before is None]
        running = Counter(t.provider_name for t in self.having(TaskStatus.PROCESSING))
        expected = []
        for task in due:
            if len(expected) < limit and running[task.provider_name] < limits.get(task.provider_name, 0):
                running[task.provider_name] += 1
                expected.append(task.claim(self.owner, self.now))

        claimed = self.run(self.queue.claim(self.owner, limit=limit, now=self.now, provider_limits=limits))

        assert expected == list(claimed)
        for task in claimed:
            self.outdated.append(self.tasks[task.task_id])
            self.tasks[task.task_id] = task

    @precondition(has_processing)
    @rule(pick=picks, delay=delays, burn=st.booleans())
    def requeue(self, pick, delay, burn):
        task = self.processing(pick)
        attempts = task.attempts if burn else max(0, task.attempts - 1)
        self.save(
            task.requeue(not_before=self.after(delay), attempts=attempts, retry_for=FailureCode.UNAVAILABLE)
        )

    @precondition(has_processing)
    @rule(pick=picks, progress=st.floats(min_value=0, max_value=1))
    def go_on(self, pick, progress):
        self.save(attrs.evolve(self.processing(pick).count_attempt(), progress=progress))

    @precondition(has_processing)
    @rule(pick=picks, how=st.sampled_from(["complete", "fail", "cancel"]))
    def end(self, pick, how):
        task = self.processing(pick)
        failure = Failure(FailureCode.TIMEOUT, "no answer")
        ended = {
            "complete": lambda: task.complete(self.now, warnings=("w",)),
            "fail": lambda: task.fail(self.now, failure),
            "cancel": lambda: task.cancel(self.now, possible_charge=True),
        }
        self.save(ended[how]())

    def stale(self):
        """Return what somebody may still believe and must not save."""
        tasks = self.tasks
        return [
            old
            for old in self.outdated
            if tasks[old.task_id].status.final or tasks[old.task_id].fence != old.fence
        ]

    @precondition(lambda self: self.stale())
    @rule(pick=picks)
    def save_too_late(self, pick):
        stale = self.stale()
        task = stale[-1 - pick % len(stale)]

        with pytest.raises(StaleTask):
            self.run(self.repository.save(task.fence, task=task))
        with pytest.raises(StaleTask):
            self.run(self.repository.save(task.fence, attempts=(an_attempt(task),)))

    # ------------------------------------------------------------ what the world does

    @rule(seconds=st.integers(min_value=1, max_value=120))
    def tick(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule()
    def crash(self):
        self.repository, self.queue = self.reopen()
        orphans = self.having(TaskStatus.PROCESSING)
        self.owner = f"owner {int(self.owner.split()[1]) + 1}"

        assert orphans == list(self.run(self.repository.orphans(alive=[self.owner], running=[])))
        for task in orphans:
            self.save(task.rescue(attempts=task.attempts, is_recovery=True))

    # ------------------------------------------------------------ what always holds

    @invariant()
    def all_is_as_the_model_says(self):
        if not hasattr(self, "tasks"):
            return
        waiting = self.having(TaskStatus.PENDING)
        due_times = [t.not_before for t in waiting if t.not_before is not None and t.not_before > self.now]

        page = self.run(self.repository.find(TaskFilter(), Paging(page_size=100)))
        counts = self.run(self.repository.counts())
        places = [self.run(self.queue.position(task.task_id)) for task in waiting]
        demand = self.run(self.queue.demand(now=self.now, limit=9))

        assert list(self.tasks.values())[::-1][:100] == list(page.items)
        assert {status: len(self.having(status)) for status in TaskStatus} == counts
        assert min(due_times, default=None) == demand.next_due
        assert [self.place(task, waiting) for task in waiting] == places
        assert self.demand(waiting) == dict(demand.processing)
        self.end_deferrals()

    def end_deferrals(self):
        for task in self.having(TaskStatus.PENDING):
            if task.not_before is not None and task.not_before <= self.now:
                self.tasks[task.task_id] = attrs.evolve(task, not_before=None)

    @staticmethod
    def place(task, waiting):
        before = waiting[: waiting.index(task)]
        return 1 + sum(t.provider_name == task.provider_name and t.not_before is None for t in before)

    def demand(self, waiting):
        due = {t.provider_name for t in waiting if t.not_before is None or t.not_before <= self.now}
        running = Counter(t.provider_name for t in self.having(TaskStatus.PROCESSING))
        return {name: running[name] for name in due}
