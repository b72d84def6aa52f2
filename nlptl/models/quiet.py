"""Silences transformers' messages that are no errors: a new head, the progress of writing a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import transformers

hf_logging: Any = transformers.logging


@contextmanager
def quiet() -> Iterator[None]:
    """Only errors are logged within the block."""
    verbosity, bars = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        hf_logging.set_verbosity(verbosity)
        if bars:
            hf_logging.enable_progress_bar()
