"""Callbacks as a user writes them."""

from accelerate.tracking import GeneralTracker

from nlptl.core.callbacks import Callback

told = []
tracked = []


class Enough(Callback):
    """Asks to stop after the second update."""

    def on_update(self, facts):
        told.append(facts.update)
        return "enough" if facts.update == 2 else None


class Needy(Enough):
    def __init__(self, limit):
        self.limit = limit


class Curves(GeneralTracker):
    name = "curves"
    requires_logging_directory = False
    tracker = None

    def __init__(self, run_name):
        super().__init__()

    def store_init_configuration(self, values):
        tracked.append(("settings", values["train.epochs"]))

    def log(self, values, step=None, **more):
        tracked.append((step, *values))
