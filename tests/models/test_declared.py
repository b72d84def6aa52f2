"""The pooling that a checkpoint declares beside its weights is the default."""

import json

import pytest

from nlptl.core.config import ModelConfig
from nlptl.models import declared, loading
from tests import tiny

POOLING = "sentence_transformers.models.Pooling"


def declare(folder, config, path="1_Pooling", kind=POOLING):
    """Writes what sentence-transformers keeps beside a checkpoint."""
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    modules.append({"idx": 1, "name": "1", "path": path, "type": kind})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_cls_token": True}, "cls"),
        ({"pooling_mode": "max"}, "max"),
        ({"pooling_mode": "weightedmean"}, None),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, None),
        ({"pooling_mode": ["mean", "cls"]}, None),
        ([], None),
    ],
)
def test_old_and_new_files_are_read(tmp_path, config, found):
    assert declared.pooling(declare(tmp_path, config)) == found


@pytest.mark.parametrize("text", ["{", "[1]", '[{"type": "a.Pooling", "path": "../elsewhere"}]', '{"a": 1}'])
def test_damaged_files_declare_nothing(tmp_path, text):
    (tmp_path / "modules.json").write_text(text)
    assert declared.pooling(tmp_path) is None


@pytest.mark.parametrize(("given", "expected"), [(None, "mean"), ("native", "native"), ("cls", "cls")])
def test_it_is_the_default_and_what_the_user_gives_stays(tmp_path, given, expected):
    folder = declare(tiny.write("bert", tmp_path / "bert"), {"pooling_mode_mean_tokens": True})
    found = loading.load(ModelConfig(name=str(folder), pooling=given), loading.Wanted("class", tiny.LABELS), seed=0)
    assert found.config.pooling == expected


def test_tags_have_a_vector_for_each_token_whatever_is_declared(tmp_path):
    folder = declare(tiny.write("bert", tmp_path / "bert"), {"pooling_mode_mean_tokens": True})
    found = loading.load(ModelConfig(name=str(folder)), loading.Wanted("tags", tiny.LABELS), seed=0)
    assert found.config.pooling == "native"
