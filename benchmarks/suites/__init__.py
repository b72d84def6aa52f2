"""The suites: each module has `cases`, `inputs` and `TARGETS`."""
