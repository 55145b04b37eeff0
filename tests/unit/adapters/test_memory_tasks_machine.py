"""Whatever happens to tasks, the adapters in memory do what the model says."""

from hypothesis import settings

from imagegen_adapters.memory.tasks import MemoryQueue, MemoryState, MemoryTasks
from tests.task_machine import TaskMachine


class MemoryTaskMachine(TaskMachine):
    def open(self):
        self.state = MemoryState()
        return self.reopen()

    def reopen(self):
        return MemoryTasks(self.state), MemoryQueue(self.state)


TestMemoryTaskMachine = MemoryTaskMachine.TestCase
TestMemoryTaskMachine.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
