"""A tag for each word with transformers' Trainer, as its script run_ner does it."""

from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from seqeval.metrics import f1_score
from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification, set_seed

from peers import common
from peers.trainer import TrainerSettings, fit

UNKNOWN = -100
OUTSIDE = "O"


@dataclass(frozen=True)
class Sentences:
    """The sentences of a CoNLL file."""

    words: list[list[str]]
    tags: list[list[str]]


def run(settings: TrainerSettings) -> None:
    """Trains, evaluates and writes the report."""
    set_seed(settings.seed)
    train, scored = read(settings.train), read(common.scored(settings))
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    names = sorted({tag for tags in train.tags for tag in tags})
    model = AutoModelForTokenClassification.from_pretrained(settings.model, num_labels=len(names), dtype=torch.float32)
    encoded = tokenizer(train.words, is_split_into_words=True, truncation=True, max_length=settings.max_length)
    ids = [
        [UNKNOWN if word is None else names.index(tags[word]) for word in _begun(encoded.word_ids(row))]
        for row, tags in enumerate(train.tags)
    ]
    dataset = Dataset.from_dict({**encoded, "labels": ids})
    train_s = fit(model, dataset, DataCollatorForTokenClassification(tokenizer), settings)
    found = predict((model, tokenizer), scored.words, names, settings.max_length)
    metrics = {"entity_f1": float(f1_score(scored.tags, found))}
    outcome = common.trained(model, metrics, train_s, len(train.words) * settings.epochs)
    common.write(settings, outcome, {"train": len(train.words), "scored": len(scored.words)})


def read(path: Any) -> Sentences:
    """Returns the sentences of a file that has a word, a tab and its tag a line, and a blank line behind a sentence."""
    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    blocks = [block for block in _blocks(text.split("\n")) if block]
    return Sentences([[line[0] for line in b] for b in blocks], [[line[-1].strip() for line in b] for b in blocks])


def predict(model: Any, words: list[list[str]], names: list[str], max_length: int) -> list[list[str]]:
    """Returns the tag of each word, that of its first token; O where it has none.

    Args:
        model: the model and its tokenizer.
        words: of each sentence.
        names: of the classes.
        max_length: tokens kept of each sentence.
    """
    network, tokenizer = model
    encoded = tokenizer(words, is_split_into_words=True, truncation=True, max_length=max_length)
    outputs = common.outputs(network, tokenizer, common.rows_of(encoded))
    best = [ids.tolist() for output in outputs for ids in output.logits.argmax(-1)]
    found = [[OUTSIDE] * len(own) for own in words]
    for row, tags in enumerate(found):
        for token, word in enumerate(_begun(encoded.word_ids(row))):
            if word is not None:
                tags[word] = names[best[row][token]]
    return found


def _begun(word_ids: list[int | None]) -> list[int | None]:
    """Returns the word that begins at each token, None at all other tokens."""
    return [word if word != before else None for before, word in zip([None, *word_ids], word_ids, strict=False)]


def _blocks(lines: list[str]) -> list[list[list[str]]]:
    found: list[list[list[str]]] = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line.split("\t"))
        else:
            found.append([])
    return found


if __name__ == "__main__":
    run(common.settings_of(TrainerSettings))
