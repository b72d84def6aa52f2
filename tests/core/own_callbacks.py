"""Callbacks as a user writes them."""

from nlptl.core.callbacks import Callback

told = []


class Enough(Callback):
    """Asks to stop after the second update."""

    def on_update(self, facts):
        told.append(facts.update)
        return "enough" if facts.update == 2 else None


class Needy(Enough):
    def __init__(self, limit):
        self.limit = limit
