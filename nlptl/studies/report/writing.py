"""Writes the report.html of a comparison or a study."""

from pathlib import Path

from nlptl.core import files
from nlptl.core.comparison import Comparison
from nlptl.core.study import StudyRecord
from nlptl.report import comparison_page, study_page
from nlptl.runs.folder import REPORT
from nlptl.studies.places import COMPARISON, STUDY
from nlptl.studies.report import comparing, studying


def write(folder: Path) -> Path:
    """Writes the page of the comparison or the study in a folder, and returns its path.

    Raises:
        InputError: study.json or comparison.json is missing or damaged.
        OSError: the page cannot be written.
    """
    make = _study if (folder / STUDY).exists() else _comparison
    files.write_text(folder / REPORT, make(folder).encode("utf-8", "replace").decode())
    return folder / REPORT


def _study(folder: Path) -> str:
    return study_page.render(studying.page(StudyRecord.read(folder / STUDY), folder))


def _comparison(folder: Path) -> str:
    return comparison_page.render(comparing.page(Comparison.read(folder / COMPARISON), folder))
