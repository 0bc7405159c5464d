"""Counts the events of a load test in the lake: `python -m serve.measure.behaviour LAKE RUN`.

Ids are RUN.BATCH.PLACE; prints, as JSON, for each batch its rows and how many different ids they have.
"""

import json
import sys
from pathlib import Path

from ml.lake.reading import connect

_COUNT = """
SELECT split_part(event_id, '.', 2), count(*), count(DISTINCT event_id)
FROM behaviour WHERE starts_with(event_id, ?) GROUP BY 1"""


def batches_in(lake: Path, run: str) -> dict[str, tuple[int, int]]:
    """By each batch's number, its rows and how many of them are different events."""
    with connect(lake) as connection:
        found = connection.execute(_COUNT, [f"{run}."]).fetchall()
    return {batch: (rows, different) for batch, rows, different in found}


if __name__ == "__main__":
    print(json.dumps(batches_in(Path(sys.argv[1]), sys.argv[2])))
