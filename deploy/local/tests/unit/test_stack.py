"""In which order a stack starts."""

from atelier_local.stack import Stack


class Noted(Stack):
    """Does nothing, and notes what it would do."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path)
        self.steps = []

    def _prepare(self):
        pass

    def _launch(self, processes):
        self.steps += [f"launch {process.name}" for process in processes]

    def _await_ready(self, names):
        self.steps += [f"await {name}" for name in names]

    def _check(self, process, verb):
        self.steps.append(f"{process.name} {verb}")


def test_stripe_is_asked_for_prices_when_the_sandbox_answers(tmp_path):
    stack = Noted(tmp_path)
    stack.start()
    stack.stop()
    order = ["launch sandbox", "await sandbox", "billing sync-plans", "launch billing", "await billing"]
    assert [step for step in stack.steps if step in order] == order
    migrations = [stack.steps.index(f"{name} migrate") for name in ("gateway", "credits", "jobs", "catalog")]
    assert max(migrations) < stack.steps.index("launch credits")
