"""When quotes in a tsv file enclose fields, and when they are characters."""

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.data import load_split, open_rows, stream


def texts(path, **settings):
    return [row["text"] for row in open_rows(path, DataConfig(**settings))]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['" he said', "fine"], ['" he said', "fine"]),
        (['"Great" film', "fine"], ['"Great" film', "fine"]),
        (['"one ""inner"" quote"', "fine"], ['one "inner" quote', "fine"]),
        (['"whole"', '"half'], ['"whole"', '"half']),
        (['"inner " quote"', '"whole"'], ['"inner " quote"', '"whole"']),
        (['"'], ['"']),
        (['""', "fine"], ["", "fine"]),
        (['ends with a "quote"'], ['ends with a "quote"']),
    ],
)
def test_quotes_of_even_tsv_lines_enclose_only_where_all_of_them_do(write, lines, expected):
    path = write("a.tsv", "text\tlabel\n" + "".join(f"{line}\t1\n" for line in lines))
    assert texts(path) == expected


def test_quotes_enclose_where_tsv_lines_are_uneven_without_them(write):
    path = write("a.tsv", 'text\tlabel\n"a\ttab, and\t\na new line"\t1\nplain\t0\n')
    assert texts(path) == ["a\ttab, and\t\na new line", "plain"]


def test_a_tsv_quote_that_may_go_on_in_the_next_line_is_not_guessed(write):
    path = write("a.tsv", 'text\tlabel\na b\t"good\nor\tbad"\nplain\tgood\n')
    with pytest.raises(InputError, match=r"line 2: .*--data\.quoting none or --data\.quoting standard"):
        texts(path)
    assert texts(path, quoting="standard") == ["a b", "plain"]
    assert texts(path, quoting="none") == ["a b", "or", "plain"]


def test_csv_quotes_enclose(write):
    path = write("a.csv", 'text,label\n"a, b",1\n"say ""x""\nagain",0\n')
    assert texts(path) == ["a, b", 'say "x"\nagain']


@pytest.mark.parametrize(("quoting", "expected"), [("none", '"whole"'), ("standard", "whole")])
@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
def test_quoting_by_hand_overrides_the_guess(write, name, quoting, expected):
    separator = "\t" if name == "a.tsv" else ","
    path = write(name, f'text{separator}label\n"whole"{separator}1\n')
    assert texts(path, quoting=quoting) == [expected]


def test_a_tab_separated_csv_is_guessed_like_a_tsv(write):
    path = write("a.csv", 'text\tlabel\n" he said\t1\n')
    assert texts(path, delimiter="\t") == ['" he said']


def test_names_in_the_header_lose_the_space_around_them(write):
    assert list(open_rows(write("a.csv", " text , label\n a ,1\n"), DataConfig())) == [{"text": " a ", "label": "1"}]


def test_a_single_columns_name_may_contain_the_separator_in_quotes(write):
    assert list(open_rows(write("a.csv", '"text, first"\na\n'), DataConfig())) == [{"text, first": "a"}]


def test_empty_lines_are_no_rows(write):
    path = write("a.tsv", "text\tlabel\n\na\t1\n\n\nb\t0\n\n")
    assert texts(path) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text;label\r\n"good; ""really"", yes";1,5\r\n'),
        ("a.csv", 'sep=;\r\ntext;label\r\n"good; ""really"", yes";1,5\r\n'),
        ("a.csv", '\ufeffsep=;\r\ntext;label\r\n"good; ""really"", yes";1,5\r\n'),
        ("a.csv", 'text\tlabel\n"good; ""really"", yes"\t1,5\n'),
        ("a.csv", 'text|label\n"good; ""really"", yes"|1,5\n'),
        ("a.tsv", 'text,label\n"good; ""really"", yes","1,5"\n'),
    ],
)
def test_another_separator_is_read_off_the_header_and_told(write, columns, caplog, name, content):
    path = write(name, content)
    assert load_split(path, DataConfig(), columns, need_label=True) == [Example(0, 'good; "really", yes', None, "1,5")]
    assert [e.text for part in stream(path, DataConfig(), columns) for e in part] == ['good; "really", yes']
    assert "the columns are separated by" in caplog.text


def test_the_usual_separator_is_used_without_a_word_and_a_given_one_is_never_replaced(write, columns, caplog):
    path = write("a.csv", "text,label;\na;b|c,x\n")
    assert load_split(path, DataConfig(label="label;"), columns, need_label=True)[0].text == "a;b|c"
    single = write("b.csv", "text\na;b\n")
    assert load_split(single, DataConfig(), columns, need_label=False)[0].text == "a;b"
    assert caplog.text == ""
    with pytest.raises(InputError, match="single column"):
        load_split(write("c.csv", "text;label\na;b\n"), DataConfig(delimiter=","), columns, need_label=True)
