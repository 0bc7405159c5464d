"""Visits of a small shop, made up, for trying recommenders: `python examples/visits.py visits.csv`.

Sixty products of twelve kinds. Whoever looks at one of a kind looks at others of it, often at the one that goes with
it (a pot after a kettle), and buys now and then; one step in seven goes astray. The same seed makes the same file.
"""

import argparse
import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

KINDS = ("LAMP", "CLOCK", "CHAIR", "TABLE", "KETTLE", "POT", "SHOE", "SOCK", "TENT", "ROPE", "PEN", "BOOK")
STYLES = ("OAK", "BRASS", "VELVET", "RETRO", "WOOL")
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
COLUMNS = ("at", "session", "customer", "sku", "did", "title", "category")


def visits(sessions: int, days: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Rows in order of time."""
    dice = random.Random(seed)
    products = [f"{style}-{kind}" for kind in KINDS for style in STYLES]
    starts = sorted(FIRST + timedelta(seconds=dice.randrange(days * 86_400)) for _ in range(sessions))
    for number, at in enumerate(starts):
        customer = dice.randrange(sessions // 4)
        # Everybody comes back for the same two kinds, and some kinds are asked for more than others.
        kind = min(int(dice.expovariate(0.3)) + customer % 2 * 4, len(KINDS) - 1)
        style = dice.randrange(len(STYLES))
        for _ in range(dice.randrange(2, 8)):
            sku = f"{STYLES[style]}-{KINDS[kind]}" if dice.random() > 1 / 7 else dice.choice(products)
            did = dice.choices(("view", "add", "purchase"), (8, 2, 1))[0]
            title = sku.replace("-", " ").title()
            yield at.isoformat(), f"visit-{number}", f"anna-{customer}", sku, did, title, sku.split("-")[1].lower()
            at += timedelta(seconds=dice.randrange(5, 90))
            style = (style + 1) % len(STYLES) if dice.random() < 0.7 else dice.randrange(len(STYLES))
            kind = kind ^ 1 if dice.random() < 0.3 else kind


def main() -> None:
    arguments = argparse.ArgumentParser(description="Write made-up visits as CSV.")
    arguments.add_argument("file")
    arguments.add_argument("--sessions", type=int, default=2_000)
    arguments.add_argument("--days", type=int, default=40)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    with open(given.file, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(visits(given.sessions, given.days, given.seed))
    print(f"{given.file}: {given.sessions:,} visits")


if __name__ == "__main__":
    main()
