"""Files are written whole or not at all, never through a link; damaged ones are named with what to do."""

import pytest

from nlptl.core import files
from nlptl.core.errors import InputError

ADVICE = "restore it"


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "below" / "a.json"
    for value in ({"a": 1}, {"b": "ü"}):
        files.write_json(path, value)
        assert files.read_object(path, ADVICE) == value
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_the_one_before_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "before")
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "\ud83d")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.partial"])
def test_nothing_is_written_through_a_link(tmp_path, name):
    other = tmp_path / "other"
    other.write_text("theirs")
    (tmp_path / name).symlink_to(other)
    files.write_text(tmp_path / "a.txt", "ours")
    assert other.read_text() == "theirs"
    assert (tmp_path / "a.txt").read_text() == "ours"
    assert not (tmp_path / "a.txt").is_symlink()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"null", b"\xff\xfe{}", b'{"a":' * 100_000, b"9" * 5000], ids=lambda c: repr(c[:9])
)
def test_what_is_no_json_object_is_named_with_what_to_do(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        files.read_object(path, ADVICE)
    assert str(path) in str(error.value)
    assert str(error.value).endswith(ADVICE)
    assert "\n" not in str(error.value)


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"a\.json is damaged"):
        (tmp_path / "a.json").mkdir()
        files.read_object(tmp_path / "a.json", ADVICE)


@pytest.mark.parametrize("number", [None, 1, 2])
def test_formats_up_to_the_known_one_are_read(tmp_path, number):
    files.check_format(tmp_path, number, 2)


@pytest.mark.parametrize(("number", "words"), [(3, "update"), (0, "expected"), ("1", "expected"), (True, "expected")])
def test_other_formats_are_refused_by_number(tmp_path, number, words):
    with pytest.raises(InputError, match=f"format {number!r}.*{words}"):
        files.check_format(tmp_path, number, 2)


def test_links_at_any_depth_are_refused_by_name(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    files.refuse_links(tmp_path)
    (tmp_path / "a" / "b" / "c").symlink_to("/nowhere")
    with pytest.raises(InputError, match="a/b/c is a link to /nowhere"):
        files.refuse_links(tmp_path)


def test_a_folder_takes_the_place_of_an_older_one(tmp_path):
    for number in ("1", "2"):
        files.aside(tmp_path / "a").mkdir()
        (files.aside(tmp_path / "a") / number).write_text(number)
        files.replace_folder(tmp_path / "a")
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")] == ["a", "a/2"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(13, "Permission denied", "a/b"), "Permission denied: a/b"),
        (Exception("Error while serializing: I/O error: (os error 28)"), "No space left on device"),
        (OSError("no such model"), None),
        (ValueError("no such label"), None),
    ],
)
def test_what_the_system_refused_is_told_from_other_errors(error, expected):
    assert files.system_refusal(error) == expected
