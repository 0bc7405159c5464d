"""A day in a shop, from registration to refund, as `examples/story.py` tells it."""

import subprocess
import sys
from pathlib import Path

from loadtest.processes import clean_environment

from .running import RunningShop

STORY = Path(__file__).parents[2] / "examples" / "story.py"
TIMEOUT_S = 200


def test_the_story_of_a_day_comes_true(shop: RunningShop) -> None:
    command = [sys.executable, str(STORY), "--url", shop.url, "--data", str(shop.data)]
    told = subprocess.run(
        command, capture_output=True, text=True, check=False, env=clean_environment(), timeout=TIMEOUT_S
    )
    print(told.stdout)
    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
    assert told.stdout.endswith("Closed.\n")
