"""Looks at a page as a reader or a browser does: what holds for the page of a run, a comparison and a study."""

import re
import subprocess
from html import escape
from html.parser import HTMLParser
from pathlib import Path

HOSTILE = "<script>alert(1)</script>"
TAGS = set(
    re.findall(
        r"\w+",
        """html head meta link title style body main header nav section h1 h2 h3 p a b i span strong small code pre wbr
        mark ul ol li dl dt dd div details summary table tr th td figure figcaption svg g path defs use text clippath
        rect""",
    )
)


def check(page: str) -> str:
    """Checks what must hold for every page, and returns its text with single blanks."""
    found = Parsed(page)
    assert found.tags <= TAGS, found.tags - TAGS
    for name, value in found.attributes:
        assert not name.startswith("on"), (name, value)
        if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            assert value.startswith("#") or value == "data:,", (name, value)
        if name == "style":
            assert "url(" not in re.sub(r"url\(#\w+\)", "", value)
    assert len(page.encode()) < 3e6
    return " ".join(found.text.split())


def text_of(page: str) -> str:
    """Returns what a reader sees of a page, with single blanks."""
    return " ".join(Parsed(page).text.split())


class Parsed(HTMLParser):
    """The elements, attributes and text of a page.

    Args:
        page: HTML.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._in_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        self.tags.add(tag)
        self._in_style = tag == "style"
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        """Notes that a style ends."""
        self._in_style = False

    def handle_data(self, data: str) -> None:
        """Notes text."""
        self.text += "" if self._in_style else data


def shown_width(page: Path, work: Path, width: int) -> int:
    """Returns how wide chromium shows a page in a window, in pixels; fails if the page complains.

    Args:
        page: file of the page.
        work: folder for the browser's files.
        width: of the window.
    """
    text = page.read_text(encoding="utf-8")
    frame = f'<iframe id="f" style="width: {width}px; height: 900px; border: 0" srcdoc="{escape(text)}"></iframe>'
    measure = "onload = () => { document.title = f.contentDocument.documentElement.scrollWidth }"
    (work / "probe.html").write_text(f"<title></title>{frame}<script>{measure}</script>")
    flags = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-logging=stderr",
        "--dump-dom",
    )
    for file in (page, work / "probe.html"):
        words = ("chromium", *flags, f"--user-data-dir={work / 'profile'}", file.resolve().as_uri())
        said = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
        assert ":CONSOLE" not in said.stderr
    found = re.search(r"<title>(\d+)</title>", said.stdout)
    assert found is not None
    return int(found.group(1))
