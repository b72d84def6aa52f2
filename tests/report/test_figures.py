"""Plots are SVG elements in the page's colours that name nothing from elsewhere."""

import xml.etree.ElementTree as ET

import pytest

from nlptl.report import figures
from nlptl.report.figures import Points

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def drawn():
    """Returns one figure of each sort."""
    yield figures.line(Points([1, 2, 3], [0.5, 0.3, 0.2]), "update", "loss", marks=[2], best=3)
    yield figures.line(Points([1], [1e-5]), "update", "learning rate")
    yield figures.line(Points(range(5000), [1e6 * (i % 7) for i in range(5000)]), "update", "loss")
    yield figures.reliability([0.6, 0.9], [(0.5, 0.3, 0.7), (1.0, 0.8, 1.0)])
    yield figures.reliability([1.0], [(1.0, 0.8, 1.0)])
    yield figures.coverage([0.5, 1.0], [1.0, 0.75], "rows")
    yield figures.scatter([1.0, 2.0], [1.5, 1.5])
    yield figures.scatter([1.0], [1.0])


@pytest.mark.parametrize("svg", list(drawn()))
def test_a_figure_is_one_element_without_addresses_and_own_colours(svg):
    root = ET.fromstring(svg.replace("<svg", f"<svg {XLINK}", 1))
    assert root.tag == "svg"
    assert "http" not in svg
    assert "currentColor" in svg
    assert "#000000" not in svg
    assert not any(colour in svg for colour in figures.COLOURS)
    hrefs = [value for node in root.iter() for name, value in node.attrib.items() if name.endswith("href")]
    ids = {node.get("id") for node in root.iter()}
    assert all(href.startswith("#") and href[1:] in ids for href in hrefs)
    assert len(svg) < 200_000


def test_the_same_points_give_the_same_figure():
    first, second = (figures.coverage([0.5, 1.0], [1.0, 0.75], "rows") for _ in range(2))
    assert first == second


def test_axes_have_names():
    svg = figures.line(Points([1, 2], [3, 4]), "update", "training loss")
    assert ">update</text>" in svg
    assert ">training loss</text>" in svg
    assert 'aria-label="training loss by update"' in svg


def test_names_are_text_and_no_formula():
    svg = figures.line(Points([1, 2], [3, 4]), "update", "<script>$x$ & more")
    assert "&lt;script&gt;$x$ &amp; more</text>" in svg
    assert "<script" not in svg


def test_many_points_become_means_of_neighbours():
    thin = Points(range(4000), [i % 2 for i in range(4000)]).thinned()
    assert len(thin.x) == figures.MOST_POINTS
    assert set(thin.y) == {0.5}
    assert Points([1, 2], [3, 4]).thinned() == Points([1, 2], [3, 4])
