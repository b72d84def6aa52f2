"""Topics, intents, pairs of texts, several labels a text.

python recipes/classification.py
python recipes/classification.py --data.train topics.csv --method probe
python recipes/classification.py --data.train emotions.jsonl --task.labels several --train.class_weights balanced
python recipes/classification.py --data.train essays.csv --task.long window --model.max_length 128
accelerate launch recipes/classification.py --method full
"""

from nlptl import Classification, DataConfig, Full, Recipe
from nlptl.cli import main

RECIPE = Recipe(task=Classification(), data=DataConfig(train="sample:requests"), method=Full())

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
