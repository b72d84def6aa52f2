"""The settings of a recipe, one frozen dataclass per concern; every default is set here or in a method's file."""

from dataclasses import dataclass
from typing import Any, Literal

from nlptl.core.checks import at_least, check_types, listed, within
from nlptl.core.errors import InputError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MAX_BOOTSTRAP = 100_000  # with so many, the ends of an interval vary by about 0.2 % of its width
# Larger numbers are typing errors: such a run would not end, or not fit into memory.
MOST_EPOCHS, MOST_ROWS, MOST_TOKENS, MOST_BEAMS = 100_000, 1_000_000, 1_000_000, 1_000
MOST_SEEDS, MOST_TRIALS = 1_000, 10_000


@dataclass(frozen=True)
class DataConfig:
    """Where the examples come from and how they are read."""

    train: Any = None
    """Training data: a file (csv, tsv, json, jsonl, parquet, xlsx, conll; also compressed: gz, bz2, xz, zip), a folder
    with train/validation/test files or with a folder of .txt files for each class, a Hub id "namespace/name[:config]",
    "sample:NAME", a pandas frame, a list of dicts, or (texts, labels); default: the task's sample data."""
    validation: Any = None
    """Validation data, given like train; default: the validation split of the source, else 15 % of train."""
    test: Any = None
    """Test data, given like train; default: the test split of the source; a single train file is divided 70/15/15."""
    text: str | None = None
    """Column of the text; default: the usual names."""
    text_pair: str | None = None
    """Column of the second text of a pair."""
    label: str | None = None
    """Column of the label; default: the usual names. Labels are read alike in every file format: true, True and TRUE
    become "true", 1.0 becomes "1", surrounding blanks are removed; otherwise case matters."""
    question: str | None = None
    """Column of the question; default: the usual names."""
    context: str | None = None
    """Column of the text that contains the answer; default: the usual names."""
    answers: str | None = None
    """Column of the answers; default: the usual names."""
    label_names: dict[str, str] | None = None
    """New names for the labels in the data, such as {"0": "negative", "1": "positive"}."""
    n_train: int | None = None
    """Train on only the first n rows of a seeded shuffle of train; default: all."""
    per_class: int | None = None
    """Train on only the first n rows of each class of a seeded shuffle of train; validation and test rows are not
    cut. A row with several labels counts for its rarest; default: all."""
    split_seed: int | None = None
    """Seed of the division into train, validation and test; default: train.seed."""
    audit: Literal["report", "strict"] = "report"
    """Effect of audit warnings before training; report: they are printed; strict: they stop the run."""
    blank: Literal["error", "drop", "keep"] = "error"
    """What happens to training and validation rows with a blank text; error: the run stops."""
    delimiter: str | None = None
    """Field separator of csv and tsv files; default: a comma for .csv, a tab for .tsv, or what the header
    uses."""
    quoting: Literal["auto", "standard", "none"] = "auto"
    """Whether quotes in csv and tsv files enclose fields; auto: standard for csv, detected for tsv."""
    sheet: str | None = None
    """Sheet of an Excel workbook (.xlsx); default: the first."""

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        check_types("data", self)
        at_least("data.n_train", self.n_train, 1)
        at_least("data.per_class", self.per_class, 1)
        within("data.split_seed", self.split_seed, 0, 2**32 - 1)
        if self.n_train is not None and self.per_class is not None:
            raise InputError("data.n_train and data.per_class both choose training rows: give one of them")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise InputError(f"data.delimiter must be one character, found {self.delimiter!r}")


@dataclass(frozen=True)
class ModelConfig:
    """The pretrained model and how a text becomes one vector."""

    name: str = DEFAULT_MODEL
    """Hub id, folder of the pretrained model, or a run."""
    revision: str | None = None
    """Hub revision (branch, tag or commit)."""
    pooling: Literal["native", "mean", "cls", "max", "none"] | None = None
    """How token states become one vector; native: the head of transformers; none: a linear layer on every token, for
    tags and spans; default: what the checkpoint declares in its 1_Pooling folder (sentence-transformers), else native
    if the method and the architecture allow it, else mean or none. benchmarks/RESULTS.md (settings) compares them."""
    head: Literal["classifier", "label_words"] = "classifier"
    """classifier: a linear head; label_words: the likelihood of each label's name as output text (T5)."""
    max_length: int | None = None
    """Most tokens per input, special tokens included; default: 256 (questions with contexts: 384, generated text: 512),
    more if over a tenth of the training texts would be cut (up to 512), never more than the model's limit."""
    dropout: float | None = None
    """Dropout probability inside the model during training; default: the checkpoint's."""
    max_written: int = 64
    """Most tokens of a generated text, in training and in prediction."""
    n_beams: int = 1
    """Beams of beam search when generating text; 1: greedy decoding."""

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

    epochs: int | None = None
    """Passes over the training examples; default: 5, or as many as give 500 updates, but at most 20."""
    lr: float | Literal["auto"] | None = None
    """Peak learning rate; auto: the best of three, tried on rows held out of training; default: that of the method for
    the model's width."""
    search: str | None = None
    """Fields to tune before training, by trials on rows held out of training, such as "train.lr=log(1e-5,1e-3)
    method.rank=[4,8,16]": log(low,high) and uniform(low,high) for numbers, int(low,high), [choices]; see nlptl tune."""
    n_trials: int = 20
    """With search: how many settings are tried."""
    search_share: float = 0.25
    """With lr auto: most updates of the trials, as a share of all updates, those of training included."""
    minutes: float | None = None
    """With method auto: most minutes for its trials and the training that follows; default: 10."""
    batch_size: int | None = None
    """Examples per update (optimizer step), over all processes; default: 32, with fewer than 500 rows 16."""
    seed: int = 0
    """Seed of splits, head, order, dropout and bootstrap."""
    seeds: int = 1
    """Train with this many seeds, one after the other, on the same rows, and keep the model that is best on validation
    (Dodge et al. 2020: on few rows seeds differ as much as methods do); takes as many times as long."""
    schedule: Literal["linear", "cosine", "constant", "one_cycle"] = "linear"
    """Shape of the learning rate after warm-up."""
    warmup: int | None = None
    """Length of the warm-up in updates; default: 6 % of all updates (one_cycle: 30 %)."""
    layer_decay: float = 1.0
    """Learning rate of each layer as a fraction of the rate of the layer above (Howard and Ruder 2018: discriminative
    fine-tuning); head and last layer have the full rate, the embeddings the lowest. 1: the same rate
    everywhere; 0.9 and 0.8 gained no more than another seed does (benchmarks/RESULTS.md)."""
    weight_decay: float = 0.01
    """AdamW's weight decay; biases and norms are never decayed."""
    max_grad_norm: float = 1.0
    """Gradient norm above which gradients are scaled down; 0 turns clipping off."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of matrix products; auto: bf16 if the hardware computes it natively, else fp32."""
    class_weights: Literal["none", "balanced"] = "none"
    """Weight of each class in the loss; balanced: inverse to its frequency."""
    sampling: Literal["shuffled", "balanced"] = "shuffled"
    """How examples are drawn; shuffled: each once per epoch; balanced: every class equally often (Buda et al. 2018:
    oversampling)."""
    label_smoothing: float = 0.0
    """Share of the target probability spread over all classes (Szegedy et al. 2016, section 7)."""
    r_drop: float = 0.0
    """Weight of the disagreement between two passes over each row with different dropout (Liang et al. 2021: alpha of
    R-Drop, equation 4); updates take about twice as long. 0: one pass."""
    average: Literal["none", "exponential", "epochs"] = "none"
    """Evaluate and deliver a mean of the weights; exponential: over all updates, the latest weighing most (Polyak and
    Juditsky 1992); epochs: over the ends of the epochs in the second half of training (Izmailov et al. 2018: SWA)."""
    average_decay: float = 0.99
    """With average exponential: factor by which each update shrinks the share of earlier weights in the mean; 0.99 is a
    mean over about the last 100 updates."""
    evaluate_every: int | None = None
    """Evaluate on validation every n updates; default: after each epoch, or fewer, if that would take more than twice
    the time of training."""
    early_stopping: int | None = None
    """Stop after n evaluations without a better validation score; default: off."""
    keep: Literal["best", "last"] = "best"
    """Which weights become the result: the best on validation, or the last."""
    checkpoint_every: int | None = None
    """Write a checkpoint every n updates; default: every minute, or less often if writing would take more than
    2 % of the time."""
    keep_checkpoints: int = 2
    """Number of newest checkpoints kept until the run has finished."""
    max_skipped: int = 3
    """Consecutive skipped updates that stop the run; an update is skipped if its loss or gradient is not finite."""
    micro_batch_tokens: int | None = None
    """Most tokens per micro-batch; default: 4,096, on a GPU 32,768. A larger batch is split into micro-batches whose
    gradients are accumulated (same result). It is lowered before training to fit into memory; if memory still runs
    out, the run continues with half."""
    cuda_graph: bool = False
    """Record whole updates as CUDA graphs: for small models and batches, when launching kernels takes longer than
    running them. Not yet tried on a GPU."""
    gradient_checkpointing: bool = False
    """Store only the inputs of layers and recompute the rest in the backward pass: slower, but needs less memory."""
    cache_gib: float = 4.0
    """Most disk space for cached outputs of frozen layers, in GiB, earlier runs included; outputs that do not fit are
    recomputed in each epoch; 0: no cache."""
    cache_dir: str | None = None
    """Folder of that cache, shared by later runs; default: $NLPTL_CACHE, or nlptl in the user's cache folder."""
    callbacks: list[str] | None = None
    """Your own classes that follow training and may stop it, such as my_package.MyCallback: subclasses of
    nlptl.Callback, created without arguments."""
    trackers: list[str] | None = None
    """Experiment trackers: tensorboard, wandb, trackio, mlflow, or my_package.MyTracker, a subclass of
    accelerate.tracking.GeneralTracker; they get values every log_every updates."""
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
        within("train.seeds", self.seeds, 1, MOST_SEEDS)
        within("train.n_trials", self.n_trials, 1, MOST_TRIALS)
        within("train.label_smoothing", self.label_smoothing, 0.0, 0.99)
        within("train.r_drop", self.r_drop, 0.0, 100.0)
        if not 0 < self.average_decay < 1:
            raise InputError(f"train.average_decay must be above 0 and below 1, found {self.average_decay}")
        if not 0 < self.layer_decay <= 1:
            raise InputError(f"train.layer_decay must be above 0 and at most 1, found {self.layer_decay}")
        within("train.search_share", self.search_share, 0.0, 0.9)
        if self.minutes is not None and not self.minutes > 0:
            raise InputError(f"train.minutes must be above 0, found {self.minutes}")
        if not isinstance(self.lr, str) and self.lr is not None and not 0 < self.lr <= 1:
            raise InputError(f"train.lr must be above 0 and at most 1, found {self.lr}")


@dataclass(frozen=True)
class EvalConfig:
    """What is measured after training."""

    metric: str | None = None
    """The primary metric, which selects the best weights; default: that of the task."""
    metrics: list[str] | None = None
    """Metrics to report, such as accuracy,auroc; default: all that fit the task. A dotted name, my_package.MyMetric,
    is your own class: a subclass of evaluate.Metric (its interval comes from only 100 resamples, because each is
    computed anew), or one like those in nlptl/evaluation/metrics."""
    n_bootstrap: int = 1000
    """Bootstrap resamples for each 95 % interval, 100 to 100,000."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of the final evaluation and of predictions; auto: fp32 on a CPU, that of training on a GPU."""
    baselines: Literal["simple", "scratch", "none"] = "simple"
    """Baselines to compare with; simple: those for the task, such as the majority class and TF-IDF with logistic
    regression, on the same rows; scratch: these, and the same architecture fully trained from random weights, which
    takes as long as full fine-tuning and says what pretraining is worth."""
    calibration: Literal["none", "temperature"] = "none"
    """Whether labels' scores are calibrated; none: they are those of a plain transformers pipeline; temperature: logits
    are divided by the number that makes the validation labels likeliest (Guo et al. 2017), which is stored with the
    model. No prediction changes."""
    abstain: float | None = None
    """With one label per row: abstain from rows with a low score, so that at least this share of the answered rows is
    correct, such as 0.95. The score is the lowest of validation at which that is sure to 95 % (one-sided lower bound of
    the accuracy), and is stored with the model. Prediction and scores of abstained rows are kept; if no score is
    enough, the model abstains from all rows. Default: never abstain."""
    slices: list[str] | None = None
    """Columns of the data by which the report divides the evaluated rows, such as domain,year; text length and label
    are always among them."""

    def __post_init__(self) -> None:
        """Checks types, choices and ranges."""
        for name in ("metrics", "slices"):
            object.__setattr__(self, name, listed(getattr(self, name)))
        check_types("eval", self)
        within("eval.n_bootstrap", self.n_bootstrap, 100, MAX_BOOTSTRAP)
        if self.abstain is not None and not 0 < self.abstain < 1:
            raise InputError(f"eval.abstain must be above 0 and below 1, found {self.abstain}")
