"""Answers to questions, found in a context, or none.

python recipes/qa.py
python recipes/qa.py --data.train train-v2.0.json --data.validation dev-v2.0.json --train.epochs 2
accelerate launch recipes/qa.py --method lora
"""

from nlptl import DataConfig, ExtractiveQA, Full, Recipe
from nlptl.cli import main

RECIPE = Recipe(task=ExtractiveQA(), data=DataConfig(train="sample:passages"), method=Full())

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
