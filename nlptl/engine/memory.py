"""Memory of a run: its peak, and freed blocks, which are kept during training and returned to the system afterwards."""

import contextlib
import ctypes
import re
import threading
from pathlib import Path

import psutil
import torch
from accelerate.utils.memory import should_reduce_batch_size

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
MOST_KEPT, LARGEST_KEPT = 2**31 - 1, 32 * 2**20  # bytes; glibc takes no more
MIB = 2**20
SAMPLED_EVERY_S = 0.05
STATUS = Path("/proc/self/status")


class Peak:
    """While entered, measures the most memory that this process and its device hold.

    The system's own count of a process's peak may be that of an earlier run in the same process.

    Args:
        device: that computes.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._process, self._most = psutil.Process(), 0
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="nlptl-memory", daemon=True)

    def __enter__(self) -> "Peak":
        """Begins."""
        self._before = _peak_of_process()
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._ended.set()
        self._sampler.join()

    def mib(self) -> dict[str, float | None]:
        """Returns the peaks so far, `peak_mib` of the process and `gpu_peak_mib` of the GPU, None without one."""
        self._look()
        own = _peak_of_process()
        most = own if own > self._before else self._most  # if it rose, it rose in this run, maybe between two samples
        on_gpu = torch.cuda.max_memory_allocated(self._device) / MIB if self._device.type == "cuda" else None
        return {"peak_mib": most / MIB, "gpu_peak_mib": on_gpu}

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLED_EVERY_S):
            self._look()

    def _look(self) -> None:
        self._most = max(self._most, self._process.memory_info().rss)


def _peak_of_process() -> int:
    """Returns the most bytes that this process ever held; 0 if the system does not report it."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found.group(1)) * 1024 if found else 0


def keep() -> None:
    """Lets the allocator keep what is freed.

    By default it returns large blocks at once, and the system clears every page again when the next update needs them:
    on MiniLM 5 to 10 % of the training time, for no less memory at the peak. Only glibc has such settings.
    """
    _tell_glibc("mallopt", M_TRIM_THRESHOLD, MOST_KEPT)
    _tell_glibc("mallopt", M_MMAP_THRESHOLD, LARGEST_KEPT)


def ran_out(error: RuntimeError) -> bool:
    """Returns whether an error says that an allocator, the processor's or the accelerator's, has no more memory."""
    return bool(should_reduce_batch_size(error))


def give_back() -> None:
    """Returns unused memory to the system, so that evaluation's memory does not add to what training has freed.

    On MiniLM that is 160 to 200 MiB. Only glibc's and CUDA's allocators have such calls; elsewhere nothing happens.
    """
    _tell_glibc("malloc_trim", 0)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _tell_glibc(function: str, *values: int) -> None:
    with contextlib.suppress(OSError, AttributeError, TypeError):
        getattr(ctypes.CDLL(None), function)(*values)
