"""Topics, intents, pairs of texts, several labels a text.

python recipes/classification.py
python recipes/classification.py --data.train topics.csv --method probe
python recipes/classification.py --data.train emotions.jsonl --task.labels several --train.class_weights balanced
python recipes/classification.py --data.train essays.csv --task.long window --model.max_length 128
accelerate launch recipes/classification.py --method full

On its sample (120 test rows, seed 0): accuracy 0.80 [0.73, 0.87]; TF-IDF with logistic regression 0.55.
"""

from nlptl import Classification, DataConfig, Full, Recipe, TrainConfig
from nlptl.cli import main

SMALL = TrainConfig(epochs=8, batch_size=16, lr=1e-4)  # the sample has a few hundred rows
RECIPE = Recipe(task=Classification(), data=DataConfig(train="sample:requests"), method=Full(), train=SMALL)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
