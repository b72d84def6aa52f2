"""`nlptl evaluate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nlptl.cli import flags
from nlptl.cli.output import write_lines
from nlptl.cli.reading import READING
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError


def evaluate(argv: Sequence[str]) -> int:
    """Scores a run as a command line says; returns the exit status."""
    parser = flags.new_parser("nlptl evaluate", "Scores a finished run on labelled data.")
    parser.add_argument("run", type=str, help="the run's folder, or its model/ folder")
    parser.add_argument("--trust-changes", action="store_true", help="open a model edited since training, and tell it")
    parser.add_argument("--output", type=str, help="write the scores to this JSON file")
    flags.add_fields(parser, DataConfig, "data", ("test", "label", "answers", "label_names", *READING))
    values = flags.parse(parser, argv)
    config = DataConfig(**values["data"])
    if config.test is None:
        raise InputError("nlptl evaluate needs --data.test, the labelled data to score on")
    from nlptl.report import console
    from nlptl.runs.run import load

    found = load(values["run"], trust_changes=values["trust_changes"]).evaluate(config.test, config=config)
    console.scores(found, str(config.test))
    if values["output"]:
        write_lines(Path(values["output"]), [json.dumps(asdict(found), indent=1, ensure_ascii=False)])
    return 0
