"""The command line that must refuse, as the fault tests have it."""

from tests.faults.conftest import bert, refused, says, work

__all__ = ["bert", "refused", "says", "work"]
