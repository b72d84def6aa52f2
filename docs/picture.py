"""Makes docs/run.svg, the README's picture: what a run of the sample data says on a terminal.

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


def said() -> str:
    """Returns what the command says, a line an epoch; where packages lie is no part of the picture."""
    with tempfile.TemporaryDirectory() as folder:
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


if __name__ == "__main__":
    Path(__file__).with_name("run.svg").write_text(draw(said()), encoding="utf-8")
