"""The licence that a checkpoint's model card names."""

from pathlib import Path

import pytest

from nlptl.core.records import ModelSource
from nlptl.models.licence import licence_of

HEADS = {
    "---\nlicense: apache-2.0\n---\n# A model": "apache-2.0",
    "---\nlanguage: en\nlicense: [mit, cc-by-nc-4.0]\n---\n": "mit, cc-by-nc-4.0",
    "---\r\nlicense: mit\r\n---\r\n": "mit",
    "---\nlanguage: en\n---\n": None,
    "---\nlicense:\n---\n": None,
    "---\nlicense: {a: b}\n---\n": None,
    "---\n- a\n- b\n---\n": None,
    "# A model\nlicense: mit": None,
    "---\nlicense: [unclosed\n---\n": None,
    "---\nlicense: !!python/object/apply:os.system ['touch ran']\n---\n": None,
    "": None,
}


@pytest.mark.parametrize("text", HEADS)
def test_the_head_of_the_card_names_it(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_bytes(text.encode())
    assert licence_of(tmp_path) == HEADS[text]
    assert [p.name for p in tmp_path.iterdir()] == ["README.md"]


def test_without_a_card_there_is_none(tmp_path):
    assert licence_of(tmp_path) is None


def test_a_card_that_is_no_text_names_none(tmp_path):
    (tmp_path / "README.md").write_bytes(b"---\n\xff\xfe\n---\n")
    assert licence_of(tmp_path) is None


@pytest.mark.parametrize("name", ["cc-by-nc-4.0", "CC-BY-NC-SA-4.0", "non-commercial", "mit, cc-by-nc-nd-3.0"])
def test_licences_that_forbid_commercial_use(name):
    assert source(name).is_non_commercial


@pytest.mark.parametrize("name", [None, "mit", "apache-2.0", "cc-by-4.0", "ncsa", "bsd-3-clause", "llama3"])
def test_licences_that_do_not(name):
    assert not source(name).is_non_commercial


def source(licence):
    return ModelSource("a", None, Path(), "", "a", licence)
