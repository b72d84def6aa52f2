"""The settings of a recipe, one frozen dataclass a concern; every default stands here or in a method's file."""

from dataclasses import dataclass
from typing import Any, Literal

from nlptl.core.checks import at_least, check_types, listed, within
from nlptl.core.errors import InputError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MAX_BOOTSTRAP = 100_000  # the ends of an interval then vary by about 0.2 % of its width
# Above these a number is a slip of the keyboard: such a run would neither end nor fit into memory.
MOST_EPOCHS, MOST_ROWS, MOST_TOKENS, MOST_BEAMS = 100_000, 1_000_000, 1_000_000, 1_000


@dataclass(frozen=True)
class DataConfig:
    """Where the examples come from and how they are read."""

    train: Any = None
    """Training data: a file (csv, tsv, json, jsonl, parquet, xlsx, conll, also packed: gz, bz2, xz, zip), a folder
    with train/validation/test files, or with a folder of .txt files for each class, a Hub id "namespace/name[:config]",
    "sample:NAME", a pandas frame, a list of dicts, or (texts, labels); default: the task's sample data."""
    validation: Any = None
    """Validation data, as train; default: the source's own validation split, else 15 % of train."""
    test: Any = None
    """Test data, as train; default: the source's own test split; a lone train file is divided 70/15/15."""
    text: str | None = None
    """Column of the text; default: the usual names."""
    text_pair: str | None = None
    """Column of the second text of a pair."""
    label: str | None = None
    """Column of the label; default: the usual names. Labels have the same name in every kind of file: true, True and
    TRUE are "true", 1.0 is "1", blanks around a name are dropped; case counts."""
    question: str | None = None
    """Column of the question; default: the usual names."""
    context: str | None = None
    """Column of the text that the question is asked of; default: the usual names."""
    answers: str | None = None
    """Column of the answers; default: the usual names."""
    label_names: dict[str, str] | None = None
    """New names for the labels in the data, such as {"0": "negative", "1": "positive"}."""
    n_train: int | None = None
    """Use only the first n rows of a seeded shuffle of train; default: all."""
    audit: Literal["report", "strict"] = "report"
    """What findings of the audit before training do: be printed, or stop the run."""
    blank: Literal["error", "drop", "keep"] = "error"
    """What to do with training and validation rows whose text is blank."""
    delimiter: str | None = None
    """Field separator of csv and tsv files; default: a comma for .csv, a tab for .tsv, or what the header shows."""
    quoting: Literal["auto", "standard", "none"] = "auto"
    """Whether quotes in csv and tsv files enclose fields; auto: standard for csv, and for tsv what the file shows."""
    sheet: str | None = None
    """Sheet of an Excel workbook (.xlsx); default: the first."""

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("data", self)
        at_least("data.n_train", self.n_train, 1)
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise InputError(f"data.delimiter must be one character, found {self.delimiter!r}")


@dataclass(frozen=True)
class ModelConfig:
    """The pretrained model and how a text becomes one vector."""

    name: str = DEFAULT_MODEL
    """Hub id or folder of the pretrained model."""
    revision: str | None = None
    """Hub revision (branch, tag or commit)."""
    pooling: Literal["native", "mean", "cls", "max", "none"] | None = None
    """How token states become one vector; native: transformers' own head; none: a linear layer on every token, for tags
    and spans; default: native where the method and the architecture allow it, else mean or none."""
    head: Literal["classifier", "label_words"] = "classifier"
    """classifier: a linear head; label_words: the likelihood of each label's name as output text (T5)."""
    max_length: int | None = None
    """Tokens computed at once, special tokens included; default: 256 (questions with contexts 384, written answers
    512), or the model's limit where that is lower."""
    dropout: float | None = None
    """Dropout probability inside the model during training; default: the checkpoint's."""
    max_written: int = 64
    """Tokens of a written answer, in training and in prediction."""
    n_beams: int = 1
    """Beams of the search for a written answer; 1: greedy."""

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("model", self)
        within("model.max_length", self.max_length, 4, MOST_TOKENS)
        within("model.max_written", self.max_written, 2, MOST_TOKENS)
        within("model.n_beams", self.n_beams, 1, MOST_BEAMS)
        within("model.dropout", self.dropout, 0.0, 0.99)


@dataclass(frozen=True)
class TrainConfig:
    """The optimization."""

    epochs: int = 5
    """Passes over the training examples; the best state on validation is kept."""
    lr: float | None = None
    """Peak learning rate; default: the method's own."""
    batch_size: int = 32
    """Examples per update (optimizer step), over all processes."""
    seed: int = 0
    """Seed of splits, head, order, dropout and bootstrap."""
    schedule: Literal["linear", "cosine", "constant", "one_cycle"] = "linear"
    """Shape of the learning rate after warm-up."""
    warmup: int | None = None
    """Warm-up, in updates; default: 6 % of all updates (one_cycle: 30 %)."""
    layer_decay: float = 1.0
    """Learning rate of each layer as a share of the rate of the layer above it (Howard and Ruder 2018: discriminative
    fine-tuning); head and last layer have the full rate, the embeddings the lowest. 1: the same rate everywhere."""
    weight_decay: float = 0.01
    """AdamW's weight decay; biases and norms are never decayed."""
    max_grad_norm: float = 1.0
    """Gradient norm above which gradients are scaled down; 0 turns clipping off."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of matrix products; auto: bf16 where the machine computes it natively."""
    class_weights: Literal["none", "balanced"] = "none"
    """Weight of each class in the loss; balanced: inverse to its frequency."""
    sampling: Literal["shuffled", "balanced"] = "shuffled"
    """shuffled: every example once an epoch; balanced: drawn so that all classes are equally likely."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes."""
    evaluate_every: int | None = None
    """Evaluate on validation every n updates; default: after each epoch."""
    early_stopping: int | None = None
    """Stop after n evaluations without a better validation score; default: off."""
    keep: Literal["best", "last"] = "best"
    """Which state is the result: the best on validation, or the last."""
    checkpoint_every: int | None = None
    """Write a checkpoint every n updates; default: every minute, or as seldom as keeps writing below 2 % of the
    time."""
    keep_checkpoints: int = 2
    """Newest checkpoints that are kept until the run is finished."""
    max_skipped: int = 3
    """Updates whose loss or gradient is not finite are left out; so many in a row stop the run."""
    micro_batch_tokens: int | None = None
    """Most tokens computed at once; default: 4,096, on a GPU 32,768. An update with more is accumulated from several
    micro-batches (same result). Before training it is lowered to what memory holds; where memory still runs out the run
    goes on with half."""
    cuda_graph: bool = False
    """Record whole updates as CUDA graphs, for small models and batches, where launching kernels takes longer than
    running them. Not yet tried on a GPU."""
    gradient_checkpointing: bool = False
    """Keep only the inputs of layers and compute the rest again in the backward pass: slower, in less memory."""
    cache_gib: float = 4.0
    """Most space for the outputs of frozen layers, in GiB, those of earlier runs included; where a run needs more they
    are computed again in each epoch; 0 keeps nothing."""
    cache_dir: str | None = None
    """Folder in which later runs find them; default: $NLPTL_CACHE, or nlptl in the user's cache folder."""
    callbacks: list[str] | None = None
    """Classes of your own that are told how training goes on, and may stop it: my_package.MyCallback; they are made
    without arguments and have the methods of nlptl.core.callbacks.Callback."""
    trackers: list[str] | None = None
    """Programs that draw the curves of training: tensorboard, wandb, trackio, mlflow, or my_package.MyTracker, a
    subclass of accelerate.tracking.GeneralTracker; they are told each log_every updates."""
    log_every: int = 10
    """Write a line to metrics.jsonl every n updates."""

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        for name in ("callbacks", "trackers"):
            object.__setattr__(self, name, listed(getattr(self, name)))
        check_types("train", self)
        within("train.epochs", self.epochs, 1, MOST_EPOCHS)
        within("train.batch_size", self.batch_size, 1, MOST_ROWS)
        for name in (
            "log_every",
            "keep_checkpoints",
            "max_skipped",
            "evaluate_every",
            "early_stopping",
            "checkpoint_every",
            "micro_batch_tokens",
        ):
            at_least(f"train.{name}", getattr(self, name), 1)
        for name in ("warmup", "weight_decay", "max_grad_norm", "cache_gib"):
            at_least(f"train.{name}", getattr(self, name), 0)
        within("train.seed", self.seed, 0, 2**32 - 1)
        within("train.label_smoothing", self.label_smoothing, 0.0, 0.99)
        if not 0 < self.layer_decay <= 1:
            raise InputError(f"train.layer_decay must be above 0 and at most 1, found {self.layer_decay}")
        if self.lr is not None and not 0 < self.lr <= 1:
            raise InputError(f"train.lr must be above 0 and at most 1, found {self.lr}")


@dataclass(frozen=True)
class EvalConfig:
    """What is measured afterwards."""

    metric: str | None = None
    """The primary metric, which chooses the best state; default: the task's."""
    metrics: list[str] | None = None
    """Metrics that are reported, such as accuracy,auroc; default: all that fit the answers. A dotted name,
    my_package.MyMetric, is a class of your own: of evaluate.Metric (its interval is from 100 resamples, because each is
    computed anew), or like those in nlptl/evaluation/metrics."""
    n_bootstrap: int = 1000
    """Resamples behind each 95 % interval, 100 to 100,000."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the final evaluation and of predictions; auto: float32 on a processor, on a GPU as training."""
    baselines: Literal["simple", "none"] = "simple"
    """simple: majority class, and TF-IDF with logistic regression, on the same rows."""

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        object.__setattr__(self, "metrics", listed(self.metrics))
        check_types("eval", self)
        within("eval.n_bootstrap", self.n_bootstrap, 100, MAX_BOOTSTRAP)
