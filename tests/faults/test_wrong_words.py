"""Words of the command line that cannot be meant: exit status 2, a message that helps, nothing trained or written."""

import pytest


def cases(*rows):
    return [pytest.param(*row, id=row[0]) if isinstance(row, tuple) else row for row in rows]


@pytest.mark.parametrize(
    ("words", "said"),
    cases(
        ("trian sentiment", ["no command 'trian'", "did you mean 'train'", "train, evaluate, predict"]),
        ("xyz", ["no command 'xyz'", "train, evaluate, predict"]),
        (
            "train sentment",
            [
                "unknown task 'sentment'",
                "did you mean 'sentiment'",
                "known: classification, extractive_qa, regression, sentiment",
            ],
        ),
        ("train --task.name sentment", ["unknown task 'sentment'", "did you mean 'sentiment'"]),
        (
            "train --method loar",
            ["unknown method 'loar'", "did you mean 'lora'", "adapter, auto, full, hybrid, lora, partial, probe"],
        ),
        ("train --method=prob", ["unknown method 'prob'", "did you mean 'probe'"]),
        ("train --method nowhere.Method", ["'nowhere' cannot be imported", "No module named 'nowhere'"]),
        ("train --method collections.Nothing", ["method 'collections.Nothing'", "no attribute 'Nothing'"]),
        ("train --method os.path.join", ["method 'os.path.join'", "a dataclass with default_lr"]),
        ("train --train.epoch 3", ["no flag --train.epoch ", "did you mean --train.epochs?", "--help"]),
        ("train --epochs 3", ["no flag --epochs", "did you mean --train.epochs?"]),
        ("train --method lora --method.rnk=3", ["no flag --method.rnk", "did you mean --method.rank?"]),
        ("train --method full --method.rank 3", ["no flag --method.rank"]),
        ("train --method probe --method.bottleneck 3", ["no flag --method.bottleneck"]),
        ("train --train.epochs", ["--train.epochs", "expected one argument"]),
        ("train --method", ["--method", "expected one argument"]),
        ("train --lr 3", ["no flag --lr", "did you mean --train.lr?"]),
        ("train --epoch 3", ["no flag --epoch", "did you mean --train.epochs?"]),
        ("train --batch-size 3", ["no flag --batch-size", "did you mean --train.batch_size?"]),
        ("train --name x", ["no flag --name", "--task.name or --method.name or --model.name"]),
        ("train --rank 3", ["no flag --rank", "--method.rank with --method lora"]),
        ("train --method lora --rank 3", ["no flag --rank", "did you mean --method.rank?"]),
        ("train --method full --dropout 0", ["--model.dropout or --method.dropout with --method adapter|lora"]),
        ("train --learning_rate 1", ["no flag --learning_rate", "did you mean --train.lr?"]),
        ("train --model x", ["no flag --model", "did you mean --model.name?"]),
        ("train -x 3", ["no flag -x"]),
        ("train -m loar", ["unknown method 'loar'"]),
        ("train nowhere.csv", ["'nowhere.csv' is data", "nlptl train classification nowhere.csv"]),
        ("train train.csv", ["'train.csv' is data, expected a task before it", "train.csv; tasks:", "sentiment"]),
        ("train sentiment nowhere.csv", ["nowhere.csv is not an existing file"]),
        ("train sentiment a.csv --data.train b.csv", ["given twice", "'a.csv'", "--data.train 'b.csv'"]),
        ("train sentiment a.csv b.csv", ["does not expect 'b.csv'", "--data.test b.csv"]),
        ("train sentiment --train.seed 3 a.csv", ["does not expect 'a.csv'", "--data.train a.csv"]),
        ("sentiment", ["no command 'sentiment'", "did you mean nlptl train sentiment?"]),
        ("hlep", ["no command 'hlep'", "did you mean 'help'"]),
        ("help trian", ["no command 'trian'", "did you mean 'train'"]),
        ("train --help=some", ["--help", "all", "'some'"]),
        ("complete csh", ["bash, zsh, fish", "'csh'"]),
        ("evaluate runs/a a.csv b.csv", ["does not expect 'b.csv'"]),
        ("evaluate runs/a a.csv --data.test b.csv", ["given twice", "'a.csv'", "--data.test 'b.csv'"]),
        ("evaluate runs/a -- a.csv", ["does not expect '--'"]),
        ("evaluate runs/a --eval.metrics [1] a.csv", ["eval.metrics", "a list, each item a text", "'[1]'"]),
        ("predict runs/a a.csv b.csv", ["does not expect 'b.csv'"]),
        ("predict runs/a a.csv --input b.csv", ["given twice", "'a.csv'", "--input 'b.csv'"]),
        ("predict runs/a a.csv --text x", ["needs either --input FILE or --text TEXT"]),
        ("predict runs/a --3", ["does not expect '--3'"]),
        ("predict runs/a --quiet=x --text x", ["--quiet takes no value, found 'x'"]),
        ("predict runs/a --quiet -5 --text x", ["--quiet takes no value, found '-5'"]),
        ("predict runs/a --text --input", ["--text", "expected one argument"]),
        ("train --resume", ["--resume", "expected one argument"]),
        ("train --resume a --train.epochs 3", ["no flag --train.epochs"]),
        ("evaluate", ["needs RUN"]),
        ("evaluate runs/a", ["needs --data.test"]),
        ("evaluate runs/a --data.tets a.csv", ["no flag --data.tets", "did you mean --data.te"]),
        ("predict", ["needs RUN"]),
        ("predict runs/a", ["needs either --input FILE or --text TEXT"]),
        ("predict runs/a --text x --input y", ["needs either --input FILE or --text TEXT"]),
        ("predict runs/a --inptu x", ["no flag --inptu", "did you mean --input?"]),
        ("predict runs/a --method lora", ["no flag --method"]),
    ),
)
def test_a_wrong_word_is_named_with_the_nearest_one(refused, says, words, said):
    says(refused(*words.split()), *said)


def test_a_flag_of_another_method_names_the_methods_that_have_it(refused, says):
    says(refused("train", "--method", "full", "--method.rank", 3), "--method.rank", "lora")


def test_resume_may_be_written_with_an_equals_sign(refused, says):
    says(refused("train", "--resume=nowhere"), "nowhere has no recipe.yaml")


@pytest.mark.parametrize("name", [".", "collections.OrderedDict"])
def test_a_dotted_name_that_is_no_method_is_refused(refused, says, name):
    says(refused("train", "--method", name), "method", name)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    cases(
        ("train.lr", "0", "above 0 and at most 1, found 0.0"),
        ("train.lr", "-0.1", "above 0 and at most 1, found -0.1"),
        ("train.lr", "-1e-3", "above 0 and at most 1, found -0.001"),
        ("train.lr", "2", "above 0 and at most 1, found 2.0"),
        ("train.epochs", "0", "between 1 and 100,000, found 0"),
        ("train.epochs", "-3", "between 1 and 100,000, found -3"),
        ("train.epochs", "1000000000", "between 1 and 100,000, found 1000000000"),
        ("train.batch_size", "1000000000", "between 1 and 1,000,000, found 1000000000"),
        ("model.max_length", "1" + "0" * 30, "between 4 and 1,000,000, found 1000"),
        ("model.max_written", "1000000000", "between 2 and 1,000,000, found 1000000000"),
        ("model.n_beams", "1000000000", "between 1 and 1,000, found 1000000000"),
        ("train.batch_size", "0", "between 1 and 1,000,000, found 0"),
        ("train.seed", "-1", "between 0 and 4,294,967,295, found -1"),
        ("train.warmup", "-1", "at least 0, found -1"),
        ("train.weight_decay", "-0.1", "at least 0, found -0.1"),
        ("train.max_grad_norm", "-1", "at least 0, found -1"),
        ("train.cache_gib", "-1", "at least 0, found -1"),
        ("train.label_smoothing", "1", "between 0.0 and 0.99, found 1"),
        ("train.label_smoothing", "-0.1", "between 0.0 and 0.99, found -0.1"),
        ("train.r_drop", "-1", "between 0.0 and 100.0, found -1.0"),
        ("train.average_decay", "1", "above 0 and below 1, found 1.0"),
        ("train.evaluate_every", "0", "at least 1, found 0"),
        ("train.early_stopping", "0", "at least 1, found 0"),
        ("train.checkpoint_every", "0", "at least 1, found 0"),
        ("train.micro_batch_tokens", "0", "at least 1, found 0"),
        ("train.log_every", "0", "at least 1, found 0"),
        ("eval.n_bootstrap", "5", "between 100 and 100,000, found 5"),
        ("data.n_train", "0", "at least 1, found 0"),
        ("data.delimiter", ";;", "one character, found ';;'"),
        ("model.dropout", "1", "between 0.0 and 0.99, found 1"),
        ("model.dropout", "-0.5", "between 0.0 and 0.99, found -0.5"),
        ("model.max_length", "3", "between 4 and 1,000,000, found 3"),
        ("model.max_length", "65", "is 65, but"),
    ),
)
def test_a_value_out_of_range_is_refused_with_the_range(refused, says, train, field, value, said):
    says(refused(*train, f"--{field}", value), field, said)


@pytest.mark.parametrize(
    ("method", "field", "value", "said"),
    [
        ("full", "reinit_layers", "-1", "at least 0, found -1"),
        ("full", "reinit_layers", "3", "at most 2, the number of trained layers, found 3"),
        ("lora", "rank", "0", "at least 1, found 0"),
        ("lora", "rank", "100000", "at most 32, the width of the layer bert.encoder.layer.0"),
        ("lora", "rank", "33", "at most 32"),
        ("lora", "dropout", "1", "between 0.0 and 0.99, found 1.0"),
        ("lora", "alpha", "0", "above 0, found 0.0"),
        ("lora", "layers", "first:2", '"all" or "last:k" with k from 1 to 2'),
        ("lora", "layers", "last:3", '"all" or "last:k" with k from 1 to 2'),
        ("lora", "targets", "[qurey]", "did you mean 'query'"),
        ("adapter", "bottleneck", "0", "at least 1, found 0"),
        ("adapter", "bottleneck", "100000", "at most 128, 4 times the model's width of 32"),
        ("adapter", "layers", "last:99", '"all" or "last:k" with k from 1 to 2, found \'last:99\''),
        ("adapter", "dropout", "-0.1", "between 0.0 and 0.99, found -0.1"),
        ("adapter", "layers", "last:0", '"all" or "last:k" with k from 1 to 2'),
        ("probe", "strengths", "[0.1, 0]", "above 0"),
        ("probe", "strengths", "[]", "above 0"),
        ("probe", "n_folds", "1", "between 2 and 100, found 1"),
        ("probe", "n_folds", "1000", "between 2 and 100, found 1000"),
        ("probe", "n_search", "3", "at least 10, found 3"),
    ],
)
def test_a_methods_value_out_of_range_is_refused_with_the_range(refused, says, train, method, field, value, said):
    says(refused(*train, "--method", method, f"--method.{field}", value), f"method.{field}", said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "--train.r_drop 1 --model.dropout 0",
            "nothing that is trained has dropout: set train.r_drop 0",
        ),
        ("--train.r_drop 1 --method probe", "solves for the head: train.seeds, train.sampling, train.label_smoothing"),
        ("--train.average epochs --method probe", "train.r_drop, train.average have no effect"),
        ("--train.r_drop 1 --train.cuda_graph true", "train.r_drop 0"),
    ],
)
def test_a_setting_that_would_have_no_effect_is_refused(refused, says, train, words, said):
    says(refused(*train, *words.split()), said)


def test_numbers_have_no_distributions_to_compare(refused, says, bert):
    message = refused("train", "regression", "--model.name", bert, "--train.r_drop", 1)
    says(message, "a number has none: set train.r_drop 0", "class, classes, tags, span, text")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("train.epochs", "three"),
        ("train.epochs", "2.5"),
        ("train.batch_size", "many"),
        ("train.lr", "high"),
        ("train.lr", "nan"),
        ("train.weight_decay", "nan"),
        ("train.max_grad_norm", "inf"),
        ("train.schedule", "lineer"),
        ("train.precision", "fp16"),
        ("train.keep", "first"),
        ("train.average", "epoch"),
        ("data.audit", "strct"),
        ("data.label_names", "positive"),
        ("model.pooling", "men"),
        ("model.max_length", "long"),
        ("eval.baselines", "all"),
        ("task.scale", "star"),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_field_and_the_value(refused, says, train, field, value):
    says(refused(*train, f"--{field}", value), field, value)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param("train.schedule", "lineer", ["did you mean 'linear'"]),
        pytest.param("model.pooling", "men", ["did you mean 'mean'"]),
        pytest.param("train.lr", "high", ["number"]),
    ],
)
def test_a_value_of_another_type_is_refused_in_words(refused, says, train, field, value, said):
    message = refused(*train, f"--{field}", value)
    says(message, *said)
    assert "NoneType" not in message


def test_an_unknown_metric_names_the_nearest_and_the_usable(refused, says, train):
    says(
        refused(*train, "--eval.metric", "acuracy"),
        "eval.metric 'acuracy'",
        "did you mean 'accuracy'",
        "macro_f1",
    )


def test_a_probe_over_the_native_head_is_refused(refused, says, train):
    says(refused(*train, "--method", "probe", "--model.pooling", "native"), "pooling mean, cls or max")


def test_label_words_on_an_encoder_are_refused(refused, says, train):
    says(refused(*train, "--model.head", "label_words"), "label_words", "text-to-text", "bert")


def test_stars_with_labels_that_are_no_numbers_are_refused(refused, says, train):
    says(refused(*train, "--task.scale", "stars"), "task.scale stars", "negative", "'4 stars'")
