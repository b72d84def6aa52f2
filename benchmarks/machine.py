"""Where and with what a benchmark ran, read without importing anything heavy."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "peft", "datasets", "scikit-learn", "numpy")
BF16_FLAGS = ("avx512_bf16", "amx_bf16")
NOT_CODE = (":!benchmarks/results", ":!benchmarks/RESULTS.md", ":!README.md")  # what running the benchmarks writes


def code() -> dict[str, Any]:
    """Returns the commit, and whether the working tree differs from it; a copy without git knows neither."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        return {"commit": "unknown", "dirty": True}
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--", ".", *NOT_CODE)),
    }


def hardware() -> dict[str, Any]:
    """Returns the processor, its cores that this process may use, the memory, and native bf16 support."""
    info = _cpu_info()
    return {
        "cpu": info.get("model name", platform.processor()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "bf16": [flag for flag in BF16_FLAGS if flag in info.get("flags", "").split()],
        "system": platform.platform(),
    }


def versions() -> dict[str, str | None]:
    """Returns the versions of Python and of the packages that do the work."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _cpu_info() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
