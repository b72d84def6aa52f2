"""Named entities, or any tag for each word.

python recipes/ner.py
python recipes/ner.py --data.train train.conll --data.validation dev.conll --method adapter
accelerate launch recipes/ner.py --method full
"""

from nlptl import DataConfig, Full, Recipe, TokenClassification
from nlptl.cli import main

RECIPE = Recipe(task=TokenClassification(), data=DataConfig(train="sample:notices"), method=Full())

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
