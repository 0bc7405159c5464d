"""Does the simulator notice? One guard of production is switched off at a time, and some seed must go red.

A mutant is a change of one module's text, made while it is imported in a process of its own. When the text isn't there
any more the mutant doesn't apply, and the check fails: the table below has to follow the code.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import decode_source, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

MOST_SEEDS = 400
WIDTH = 180
"""Characters of the table."""
RED, GREEN, STALE = 10, 0, 3
"""What a mutant's process exits with."""


class Mutant(NamedTuple):
    """A guard that is switched off: in `module`, `text` becomes `instead`."""

    name: str
    module: str
    text: str
    instead: str


MUTANTS = (
    Mutant(
        "the journal checks no epoch",
        "actors.journals.memory",
        "if not shard.epoch or batch.epoch != shard.epoch:",
        "if not shard.epoch:",
    ),
    Mutant(
        "a reservation's retry gets no first answer",
        "engine.stock.decisions",
        "if known := stock.open.get(reservation_id) or stock.sold.get(reservation_id):",
        "if known := None:",
    ),
    Mutant(
        "a receipt's retry gets no first answer",
        "engine.stock.decisions",
        "if command.receipt_id in stock.receipts:",
        "if False:",
    ),
    Mutant(
        "a cart's addition is made again by its retry",
        "engine.cart.decisions",
        "if command.command_id and command.command_id in cart.added:",
        "if False:",
    ),
    Mutant(
        "no compensation: holds of a dead order are not released",
        "engine.order.effects",
        "        if step is Step.HELD or step is Step.ASKED:",
        "        if False:",
    ),
    Mutant(
        "no compensation: money of a dead order is not given back",
        "engine.order.effects",
        "    if order.payment in VOIDABLE:",
        "    if False:",
    ),
    Mutant(
        "an effect that failed is not sent again",
        "actors.effects",
        "            if not volume.still_wants(address, effect.id):",
        "            if True:",
    ),
    Mutant(
        "a new owner resumes no unfinished work",
        "actors.volume",
        "await self._wake_all(shard, dict.fromkeys((entry.kind, entry.key) for entry in entries))",
        "pass",
    ),
    Mutant(
        "holds don't expire",
        "engine.stock.decisions",
        "if not stock.next_expiry or stock.next_expiry > now:",
        "if True:",
    ),
    Mutant(
        "lines of one SKU are not added up",
        "engine.order.decisions",
        "line = msgspec.structs.replace(first, quantity=first.quantity + line.quantity)",
        "line = first",
    ),
    Mutant(
        "lines are held in the order in which they were written",
        "engine.order.changes",
        "key=lambda index: order.lines[index].sku",
        "key=lambda index: index",
    ),
    Mutant(
        "the reply comes before the append",
        "actors.volume",
        """        if touched or self._consulted:
            try:
                await self._append(touched, now)
            except JournalFull as error:
                await self._go_on_without_room(mail, replies, touched, outward, error)
                return
        self._reply(mail, replies, touched)
""",
        """        self._reply(mail, replies, touched)
        if touched or self._consulted:
            try:
                await self._append(touched, now)
            except JournalFull as error:
                await self._go_on_without_room(mail, replies, touched, outward, error)
                return
""",
    ),
    Mutant(
        "a sealed cart can be changed",
        "engine.cart.decisions",
        "    if cart.sealed_by:\n        return Rejected(Reason.CART_SEALED",
        "    if False:\n        return Rejected(Reason.CART_SEALED",
    ),
    Mutant(
        "a second capture is not noticed",
        "engine.order.answers",
        "        return reply.payment_id != order.payment_id\n",
        "        return False\n",
    ),
    Mutant(
        "more is held than there is",
        "engine.stock.decisions",
        "    is_here = quantity <= stock.available and not stock.promises\n",
        "    is_here = quantity <= stock.on_hand and not stock.promises\n",
    ),
    Mutant(
        "a host drops nothing when it is fenced",
        "actors.volume",
        "        self._drop(numbers)\n        if isinstance(error, Fenced):",
        "        if isinstance(error, Fenced):",
    ),
    Mutant(
        "a line that follows a failed one has its name",
        "actors.remote",
        'client = f"{self._name}/{next(self._lines_made)}"',
        "client = self._name",
    ),
    Mutant(
        "a call that is never answered is waited for",
        "actors.calls",
        "async with asyncio.timeout(timeout_s):",
        "async with asyncio.timeout(None):",
    ),
    Mutant(
        "the directory doesn't compare its table with the hosts",
        "actors.directory",
        "if self._surprises(host, owned):",
        "if False:",
    ),
    Mutant(
        "an entity that moved is not woken",
        "actors.volume",
        "        if entity.kind.has_work:\n            self._effects.wake_elsewhere(",
        "        if False:\n            self._effects.wake_elsewhere(",
    ),
    Mutant(
        "what a turn only read isn't checked with the journal",
        "actors.volume",
        "dirty = {number: self.shards[number] for number in self._consulted}",
        "dirty: dict[int, Shard] = {}",
    ),
    Mutant(
        "a restart between two exchanges isn't noticed",
        "actors.remote",
        "if ready.first and self._known:",
        "if False:",
    ),
    Mutant(
        "resumed work is missing in the next checkpoint",
        "actors.volume",
        "            self._cascade(entity, now)\n        self._follow_up(entity)\n",
        "            self._cascade(entity, now)\n",
    ),
    Mutant(
        "of two moves the first counts",
        "actors.residents",
        "if other.lives_in == entity.shard and other.version > entity.version:",
        "if other.lives_in == entity.shard and other.version < entity.version:",
    ),
    Mutant(
        "what an entity that has left says of that is trimmed",
        "actors.journals.trimming",
        "if not folded.complete or not folded.at_home or not folded.entries:",
        "if not folded.complete or not folded.entries:",
    ),
    Mutant(
        "a second trim begins without the first one's state",
        "actors.journals.trimming",
        "_Folded(self._codecs[kind].decode_state(base.state), base.version)",
        "_Folded(self._kinds[kind].new(key), base.version)",
    ),
    Mutant(
        "a coupon counts only uses that are committed",
        "engine.coupon",
        "coupon.used + coupon.holds.reserved + reserve.quantity > content.limit",
        "coupon.used + reserve.quantity > content.limit",
    ),
    Mutant(
        "a sale claims beyond its allotment",
        "engine.flash_sale.decisions",
        "    if command.quantity > sale.free:",
        "    if command.quantity > terms.allotment:",
    ),
    Mutant(
        "more places are called than there are units",
        "engine.waiting_room",
        "count = min(units - len(room.unused), room.waiting, per_second)",
        "count = min(room.waiting, per_second)",
    ),
    Mutant(
        "whoever joins again gets another place",
        "engine.flash_sale.decisions",
        "if (number := number_of(sale.room.numbers, who)) is not None:",
        "if (number := None) is not None:",
    ),
    Mutant(
        "a call can be used after it has lapsed",
        "engine.waiting_room",
        "return room.unused.get(place, 0) > now",
        "return place < room.called",
    ),
    Mutant(
        "a card's money can be held twice",
        "engine.gift_card",
        "    if reserve.quantity > card.available or",
        "    if reserve.quantity > card.balance or",
    ),
    Mutant(
        "a use or money that is asked for again is held again",
        "engine.holds",
        "    if known := holds.open.get(name) or holds.sold.get(name):",
        "    if known := None:",
    ),
    Mutant(
        "a use or money that was given back can be held later",
        "engine.holds",
        "    if name in holds.ended or expires_at <= now:",
        "    if expires_at <= now:",
    ),
    Mutant(
        "components of two lines are not added up",
        "engine.order.participants",
        "needed[key] = needed.get(key, 0) + part.quantity",
        "needed[key] = part.quantity",
    ),
    Mutant(
        "the provider is asked for what a card pays, too",
        "engine.order.effects",
        "order.authorize_key, order.due, order.token, order.order_id, True",
        "order.authorize_key, order.total, order.token, order.order_id, True",
    ),
    Mutant(
        "what is packed can be cancelled",
        "engine.order.aftersale.records",
        "return self.kept - self.packed - self.shipped - self.lost - self.locked",
        "return self.kept - self.shipped - self.lost - self.locked",
    ),
    Mutant(
        "an edit that was given up keeps its holds",
        "engine.order.aftersale.edit_process",
        "if step is Step.ASKED or step is Step.HELD:",
        "if False:",
    ),
    Mutant(
        "what was restocked isn't told to its stock",
        "engine.order.aftersale.returns",
        'give_back(order, name_of("return", event.return_id), each.line, each.restocked)',
        "pass",
    ),
    Mutant(
        "another amount than was asked for is as good as it",
        "engine.order.answers",
        "    return reply.amount is not None and reply.amount != order.due",
        "    return False",
    ),
    Mutant(
        "money that a void gave back is given back again",
        "engine.order.answers",
        "    voided = order.payment in VOIDABLE or (order.payment is Payment.VOIDED and order.returned is not None)",
        "    voided = order.payment in VOIDABLE",
    ),
    Mutant(
        "the lake counts what came back as sold",
        "ml.lake.facts.ledger",
        "part, bought - item.credited, bought,",
        "part, bought - item.cancelled, bought,",
    ),
    Mutant(
        "the lake forgets that an order was cancelled as a whole",
        "ml.lake.facts.ledger",
        " or order.status is Status.CANCELLED:",
        ":",
    ),
)


class _MutatingFinder(MetaPathFinder):
    """Imports the mutant's module with its changed text."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        assert found is not None
        assert found.origin is not None
        return spec_from_loader(fullname, _MutatingLoader(self._mutant, found.origin), origin=found.origin)


class _MutatingLoader(Loader):
    def __init__(self, mutant: Mutant, origin: str) -> None:
        self._mutant = mutant
        self._origin = origin

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        source = decode_source(Path(self._origin).read_bytes())
        if source.count(self._mutant.text) != 1:
            print(f"{self._mutant.module} doesn't have the text of this mutant once", file=sys.stderr)
            sys.exit(STALE)
        module.__file__ = self._origin
        exec(compile(source.replace(self._mutant.text, self._mutant.instead), self._origin, "exec"), module.__dict__)


def hunt(mutant: Mutant, seeds: int) -> int:
    """Run seeds with the mutant until one goes red, and print it. For a process of its own."""
    sys.meta_path.insert(0, _MutatingFinder(mutant))
    from .world import simulate

    for seed in range(seeds):
        try:
            violations = simulate(seed).violations
        except Exception as error:
            violations = [f"the world ended with {error!r}"]
        if violations:
            print(f"{seed}\t{violations[0]}")
            return RED
    return GREEN


class Verdict(NamedTuple):
    """What came of one mutant; `seed` None: no seed went red."""

    mutant: Mutant
    seed: int | None
    told: str
    seconds: float


def judge(number: int, seeds: int) -> Verdict:
    """Hunt one mutant in a process of its own."""
    mutant, began = MUTANTS[number], time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.mutants", "--hunt", str(number), "--seeds", str(seeds)],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode == RED:
        seed, _, told = done.stdout.strip().splitlines()[-1].partition("\t")
        return Verdict(mutant, int(seed), told, seconds)
    told = "no seed went red" if done.returncode == GREEN else done.stderr.strip().splitlines()[-1]
    return Verdict(mutant, None, told, seconds)


@click.command()
@click.option("--seeds", type=int, default=MOST_SEEDS, show_default=True, help="How many seeds each mutant gets.")
@click.option("--workers", type=int, default=2, show_default=True, help="Mutants at a time.")
@click.option("--hunt", "number", type=int, hidden=True)
def main(seeds: int, workers: int, number: int | None) -> None:
    """Switch off one guard at a time; some seed must go red."""
    if number is not None:
        sys.exit(hunt(MUTANTS[number], seeds))
    console = Console(width=max(Console().width, WIDTH))
    table = Table(title="Mutants")
    for name in ("mutant", "caught by seed", "seconds", "what the auditor said"):
        table.add_column(name)
    escaped = 0
    with (
        Progress(TextColumn("mutants"), BarColumn(), MofNCompleteColumn(), console=console) as progress,
        ThreadPoolExecutor(workers) as pool,
    ):
        bar = progress.add_task("", total=len(MUTANTS))
        for verdict in pool.map(lambda each: judge(each, seeds), range(len(MUTANTS))):
            progress.update(bar, advance=1)
            escaped += verdict.seed is None
            caught = "[red]escaped[/]" if verdict.seed is None else str(verdict.seed)
            table.add_row(verdict.mutant.name, caught, f"{verdict.seconds:.0f}", verdict.told[:140])
    console.print(table)
    sys.exit(1 if escaped else 0)


if __name__ == "__main__":
    main()
