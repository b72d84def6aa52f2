"""Makes pictures of a run of the sample data: docs/run.svg, its terminal, and by Chromium docs/report.png, its report.

python docs/picture.py
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMAND = ("train", "sentiment", "--output", "runs/a")
WIDTH = 110
TEMPLATE = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px;
  line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
<rect fill="#292929" x="0" y="0" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""
"""rich's own, without a font from elsewhere."""


def said(folder: Path) -> str:
    """Returns what the command says in a folder, a line an epoch; where packages lie is no part of the picture."""
    words = (sys.executable, "-m", "nlptl", *COMMAND)
    done = subprocess.run(
        words, cwd=folder, env=os.environ | {"COLUMNS": str(WIDTH)}, capture_output=True, text=True, check=True
    )
    return done.stdout.replace(sysconfig.get_path("purelib"), "site-packages")


def draw(text: str) -> str:
    """Returns the picture of a terminal on which the command was typed; the first word of each line is bright."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(f"[bold]$ nlptl {' '.join(COMMAND)}[/bold]")
        for line in text.splitlines():
            shown = Text(line)
            shown.highlight_regex(r"^[a-z]+(?= )", "cyan")
            shown.highlight_regex(r"^.\s+full\b.*", "bold green")
            console.print(shown)
        return console.export_svg(title="", code_format=TEMPLATE, unique_id="run")


def photograph(page: Path, picture: Path) -> None:
    """Writes a picture of the beginning of a page."""
    flags = ("--headless", "--no-sandbox", "--hide-scrollbars", "--blink-settings=preferredColorScheme=1")
    size = ("--window-size=1000,1180", f"--screenshot={picture}")
    subprocess.run(("chromium", *flags, *size, page.as_uri()), capture_output=True, check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        docs = Path(__file__).resolve().parent
        (docs / "run.svg").write_text(draw(said(Path(place))), encoding="utf-8")
        photograph(Path(place) / COMMAND[-1] / "report.html", docs / "report.png")
