"""An estimate of the energy that a run took; nothing is measured."""

from nlptl.core.result import Machine

CORE_W, GPU_W, MEMORY_W = 12.0, 200.0, 0.3725
"""Power of a core and of a GPU whose type is not known, and of a GB of memory, of Lannelongue, Grealey and Inouye 2021,
"Green Algorithms: Quantifying the Carbon Footprint of Computation", which takes them for wholly busy."""


def watt_hours(machine: Machine, seconds: float, memory_mib: float) -> tuple[float, str]:
    """Returns the energy in watt hours, and in words what it assumes.

    Args:
        machine: what computed.
        seconds: how long.
        memory_mib: peak memory of a process.
    """
    gb = machine.n_processes * memory_mib * 2**20 / 1e9
    cores = machine.n_processes * machine.n_threads
    power, parts = MEMORY_W * gb, f"{MEMORY_W} W for each of {gb:.1f} GB memory"
    if machine.device == "cpu":
        power, of = power + CORE_W * cores, f"{CORE_W:g} W for each of {cores} processor threads"
    else:
        power, of = power + GPU_W * machine.n_processes, f"{GPU_W:g} W for each of {machine.n_processes} GPUs"
    words = f"not measured: assumes {of} and {parts}, busy all the time (Lannelongue et al. 2021), without cooling"
    return power * seconds / 3600, words
