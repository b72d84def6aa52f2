"""Named entities, or any tag for each word.

python recipes/ner.py
python recipes/ner.py --data.train train.conll --data.validation dev.conll --method adapter
accelerate launch recipes/ner.py --method full

On its sample (60 test sentences, seed 0): entity F1 0.78 [0.69, 0.86]; the commonest tag of each word 0.16.
"""

from nlptl import DataConfig, Full, Recipe, TokenClassification, TrainConfig
from nlptl.cli import main

SMALL = TrainConfig(epochs=12, batch_size=8, lr=1e-4)  # the sample has a few hundred rows
RECIPE = Recipe(task=TokenClassification(), data=DataConfig(train="sample:notices"), method=Full(), train=SMALL)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
