"""The estimate of energy: its formula and its words."""

import pytest

from nlptl.core.result import Machine
from nlptl.report.energy import watt_hours


def test_cores_and_memory_for_an_hour():
    energy, words = watt_hours(Machine("cpu", n_processes=2, n_threads=3), 3600, 1e9 / 2**20)
    assert energy == pytest.approx(6 * 12 + 2 * 0.3725)
    assert "not measured" in words
    assert "12 W for each of 6 processor threads" in words


def test_a_gpu_in_place_of_cores():
    energy, words = watt_hours(Machine("NVIDIA H100", n_processes=2, n_threads=8), 1800, 0)
    assert energy == pytest.approx(200)
    assert "200 W for each of 2 GPUs" in words
