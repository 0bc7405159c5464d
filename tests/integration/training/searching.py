"""A search in a process of its own, which a test kills: `python -m tests.integration.training.searching DIR RAY HELD`.

It says what it found on its last line.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import ray

from ml.training.fitting import Recipe
from ml.training.job import Around, Plan
from ml.training.search import Search, search

from .tasks import dataset

TRIALS = 2


def main() -> None:
    ray.init(address=sys.argv[2], log_to_driver=False)
    plan = Plan(Recipe("tests.integration.training.slow:Slow", {"held": sys.argv[3]}), resamples=20, report=False)
    _, best = search(plan, dataset(), Path(sys.argv[1]), Search(TRIALS), Around(datetime.now(UTC)))
    print(json.dumps([best.trials, best.score, best.recipe.parameters["half_life_days"]]))


if __name__ == "__main__":
    main()
