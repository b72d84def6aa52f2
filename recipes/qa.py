"""Answers to questions, found in a context, or none.

python recipes/qa.py
python recipes/qa.py --data.train train-v2.0.json --data.validation dev-v2.0.json --train.epochs 2 --train.lr 5e-5
accelerate launch recipes/qa.py --method lora

On its sample (210 questions to learn from, 50 to test, seed 0): F1 0.26 [0.16, 0.37]; the sentence that shares most
words 0.11. To point at answers well, a sentence encoder needs thousands of questions.
"""

from nlptl import DataConfig, ExtractiveQA, Full, Recipe, TrainConfig
from nlptl.cli import main

SMALL = TrainConfig(epochs=12, batch_size=8, lr=1e-4)  # the sample has a few hundred rows
RECIPE = Recipe(task=ExtractiveQA(), data=DataConfig(train="sample:passages"), method=Full(), train=SMALL)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
