"""An import of orders that is killed in the middle and begun again, against any shop: what was done counts once."""

import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from loadtest.processes import clean_environment

ORDERS = 2_000
PATIENCE_S = 60.0


def history(file: Path) -> None:
    """Orders of two lines, and of every tenth something came back."""
    rows = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for number in range(ORDERS):
        at = f"2011-{number % 12 + 1:02}-{number % 28 + 1:02} 12:{number % 60:02}"
        buyer = f"{at},1.25,{number % 50}.0,France"
        rows += [f"{number},OLD-KITE,Kite,2,{buyer}", f"{number},OLD-CLOCK,Clock,1,{buyer}"]
        if number % 10 == 0:
            rows.append(f"C{number},OLD-KITE,Kite,-1,{buyer}")
    file.write_text("\n".join(rows) + "\n")


def answered(plan: Path, mode: str = "ro") -> int:
    """How much of it the shop has answered, as the import notes it."""
    try:
        with closing(sqlite3.connect(f"file:{plan}?mode={mode}", uri=True)) as db:
            found: int = db.execute("SELECT count(*) FROM task WHERE status <> ''").fetchone()[0]
            return found
    except sqlite3.OperationalError:
        # It isn't made yet.
        return 0


def import_killed_and_begun_again(url: str, key_file: Path, directory: Path) -> None:
    """Import into the shop, be killed in the middle, go on, and import all of it again; `directory` is the import's."""
    file = directory / "orders.csv"
    history(file)
    command = [sys.executable, "-m", "serve.cli", "import", "orders", str(file), "--preset", "online-retail"]
    command += ["--url", url, "--data", str(directory), "--key-file", str(key_file)]
    plans = directory / "imports"
    first = subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment())
    deadline = time.monotonic() + PATIENCE_S
    while not any(answered(plan) for plan in plans.glob("*.sqlite")):
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    first.kill()
    first.communicate()
    (plan,) = plans.glob("*.sqlite")
    # Whoever opens it after a kill has to tidy it up.
    done = answered(plan, "rw")
    assert 0 < done < ORDERS

    second, third = (
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S, env=clean_environment())
        for _ in range(2)
    )
    assert f"{ORDERS * 2 + ORDERS // 10:,} lines" in second.stdout
    new, known = (
        int(found[1].replace(",", "")) if (found := re.search(pattern, second.stdout)) else 0
        for pattern in (r"([\d,]+) orders", r"orders \(([\d,]+) there already\)")
    )
    assert new + known == ORDERS
    assert f"0 orders ({ORDERS:,} there already), 0 returns" in third.stdout
    assert list(plans.iterdir()) == []
