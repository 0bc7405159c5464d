"""`doorbuster hosts`: which hosts run which shards, and planned moves while the shop sells."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, TypeVar

import click
from rich.console import Console

from actors.calls import in_time
from actors.errors import ActorsError, Unavailable
from actors.standing import HostFigures, Node, Standing

from ..launcher.data import DataDirectory
from ..launcher.errors import LaunchError
from ..launcher.joining import address_of, announce_leaving, joined, replicas_on
from ..launcher.node import find
from .journal_source import Report, bar
from .options import resolve_or_exit

Command = Callable[..., Any]
T = TypeVar("T")

ANSWER_TIMEOUT_S = 5.0
SAMPLE_S = 1.0
"""How long commands are counted, to tell how many there are in a second."""
LOOK_EVERY_S = 0.2
COLUMNS = ("host", "node", "pid", "state", "shards", "entities", "commands/s", "version")
NO_HOSTS = "This shop has no host actors: its one replica runs all shards. Start it with --hosts N for some."


class NoHosts(click.ClickException):
    """The Ray that was joined has no directory."""


def shop_options(command: Command) -> Command:
    """Add the options that say which running shop is meant."""
    for option in (
        click.option("--address", metavar="HOST:PORT", help="Ray's address, if it was not started with this data."),
        click.option("--data", metavar="DIR", help="Data directory of the shop or the node, with its secrets."),
    ):
        command = option(command)
    return command


@click.group("hosts")
def command() -> None:
    """Look at the hosts of a running shop, and move their shards.

    \b
    Examples
      doorbuster hosts list                      every host with its node, shards and load
      doorbuster hosts drain host-3f2a9c1b-0     move its shards to the others, while they sell
      doorbuster hosts drain --node 10.0.0.7     all hosts of a node, before it is taken away
      doorbuster hosts rebalance                 drained hosts take part again; shards are spread evenly
    """


@command.command("list", context_settings={"max_content_width": 120})
@shop_options
def list_hosts(data: str | None, address: str | None) -> None:
    """Show every host: node, process, state, shards, entities in memory, commands per second."""
    with shop(data, address):
        rows = asyncio.run(told(_look()))
    lines = [COLUMNS, *(tuple(str(value) for value in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip())


@command.command("drain", context_settings={"max_content_width": 120})
@click.argument("hosts", metavar="[HOST]...", nargs=-1)
@click.option("--node", metavar="NODE", help="All hosts of this node: its address, its name, or the begin of its id.")
@click.option("--leaving", is_flag=True, help="The node is about to end: replicas go too. It can't be undone.")
@click.option("--timeout", "timeout_s", type=float, default=60.0, show_default=True, help="Seconds to wait for it.")
@shop_options
def drain(
    hosts: tuple[str, ...], node: str | None, leaving: bool, timeout_s: float, data: str | None, address: str | None
) -> None:
    """Move all shards of these hosts to the others, one after the other, while the shop sells. Waits until it is done.

    A drained host runs no shard until `doorbuster hosts rebalance`, or until it is replaced by an update.
    """
    if bool(hosts) == bool(node):
        raise click.UsageError("Name hosts, or a node with --node.")
    if leaving and not node:
        raise click.UsageError("Only a node leaves: name it with --node.")
    console = Console(soft_wrap=True)
    with shop(data, address), bar(console) as report:
        moved = asyncio.run(told(_within(timeout_s, _drain(hosts, node, leaving, timeout_s, report))))
    console.print(f"Drained: {', '.join(moved) or 'nothing, no host runs there'}.", highlight=False)


@command.command("rebalance", context_settings={"max_content_width": 120})
@shop_options
def rebalance(data: str | None, address: str | None) -> None:
    """Have drained hosts take part again, and spread the shards evenly over all."""
    console = Console(soft_wrap=True)
    with shop(data, address), bar(console) as report:
        runs = asyncio.run(told(_rebalance(report)))
    console.print(", ".join(f"{host}: {shards} shards" for host, shards in runs.items()), highlight=False)


@contextmanager
def shop(data: str | None, address: str | None) -> Iterator[None]:
    """Inside the block this process belongs to the Ray of the running shop."""
    directory = DataDirectory(resolve_or_exit({"data": data}, None).settings.data)
    try:
        with joined(address or address_of(directory), directory.ray_token, find(directory.path)):
            yield
    except LaunchError as error:
        raise click.ClickException(str(error)) from error


async def told(work: Awaitable[T]) -> T:
    """What the work gives; what goes wrong is for the user to read."""
    try:
        return await work
    except ActorsError as error:
        sentence = str(error).removesuffix(".")
        raise click.ClickException(f"{sentence[:1].upper()}{sentence[1:]}.") from error


async def _within(timeout_s: float, work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError as error:
        raise click.ClickException(f"Not done within {timeout_s:g} s; what was begun goes on.") from error


class Row(NamedTuple):
    """One line of the list."""

    host: str
    node: str
    pid: int | str
    state: str
    shards: int
    entities: int | str
    commands_per_s: int | str
    version: str


async def _look() -> list[Row]:
    from actors import on_ray

    standing = await _standing()
    nodes = {node.id: node for node in await asyncio.to_thread(on_ray.living_nodes)}
    hosts = {name: on_ray.RayHost(name) for name in standing.hosts}
    before = await _figures(hosts.values())
    await asyncio.sleep(SAMPLE_S)
    after = await _figures(hosts.values())
    rows = []
    for name, first, second in zip(hosts, before, after, strict=True):
        state, shards = _state_of(name, standing), standing.hosts[name]
        if first is None or second is None:
            rows.append(Row(name, "-", "-", state, shards, "-", "-", "-"))
            continue
        node = nodes[second.node_id].address if second.node_id in nodes else second.node_id
        rate = round(max(0, second.commands - first.commands) / SAMPLE_S)
        rows.append(Row(name, node, second.pid, state, shards, second.entities, rate, second.version))
    return rows


def _state_of(host: str, standing: Standing) -> str:
    if host not in standing.living:
        return "absent"
    if host not in standing.draining:
        return "running"
    return "draining" if standing.hosts[host] else "drained"


async def _figures(hosts: Any) -> list[HostFigures | None]:
    answers = await asyncio.gather(
        *(in_time(host.figures(), ANSWER_TIMEOUT_S) for host in hosts), return_exceptions=True
    )
    return [None if isinstance(answer, BaseException) else answer for answer in answers]


async def _standing() -> Standing:
    from actors.on_ray import RayDirectory

    try:
        return await in_time(RayDirectory().standing(), ANSWER_TIMEOUT_S)
    except Unavailable as error:
        if isinstance(error.__cause__, ValueError):
            raise NoHosts(NO_HOSTS) from error
        raise


async def _drain(
    named: Sequence[str], node_named: str | None, leaving: bool, timeout_s: float, report: Report
) -> list[str]:
    from actors.on_ray import RayDirectory
    from actors.roster import is_on

    try:
        standing = await _standing()
    except NoHosts:
        if leaving:  # nobody has deployed a shop: the node can go
            return []
        raise
    hosts, node = list(named), None
    if node_named:
        node = await _node(node_named)
        hosts = [host for host in standing.hosts if is_on(host, node.id)]
    elif unknown := [host for host in hosts if host not in standing.hosts]:
        raise click.ClickException(f"There is no host {', '.join(unknown)}. There are: {', '.join(standing.hosts)}.")
    total = sum(standing.hosts[host] for host in hosts)
    living = [host for host in hosts if host in standing.living]
    async with _shown(hosts, total, report):
        if living:
            await RayDirectory().drain(*living)
        if node is not None and leaving:
            # After the hosts: if they can't be drained, nothing has happened.
            await _leave(node, timeout_s)
    return hosts


async def _leave(node: Node, within_s: float) -> None:
    """Have Ray and Serve know, and wait until Serve's replicas have gone."""
    if refusal := await asyncio.to_thread(announce_leaving, node.id, within_s):
        raise click.ClickException(f"Ray does not let node {node.address} leave: {refusal}")
    for _ in range(round(within_s / LOOK_EVERY_S)):
        if not await asyncio.to_thread(replicas_on, node.id):
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def _node(named: str) -> Node:
    from actors.on_ray import living_nodes

    nodes = await asyncio.to_thread(living_nodes)
    meant = [node for node in nodes if named in (node.address, node.name) or node.id.startswith(named)]
    if len(meant) == 1:
        return meant[0]
    which = "No node is" if not meant else "Several nodes are"
    there = ", ".join(f"{node.address} ({node.id[:8]})" for node in nodes)
    raise click.ClickException(f"{which} called {named}. There are: {there}.")


@asynccontextmanager
async def _shown(hosts: Sequence[str], total: int, report: Report) -> AsyncIterator[None]:
    """Show how many of the hosts' shards have moved, while the block moves them."""

    async def look() -> None:
        while True:
            standing = await _standing()
            report("Moving shards", total - sum(standing.hosts.get(host, 0) for host in hosts), total)
            await asyncio.sleep(LOOK_EVERY_S)

    looking = asyncio.get_running_loop().create_task(look())
    try:
        yield
        report("Moving shards", total, total)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _rebalance(report: Report) -> dict[str, int]:
    from actors.on_ray import RayDirectory

    before = await _standing()
    async with _shown([], 0, report):
        await RayDirectory().rebalance()
    after = await _standing()
    return {host: after.hosts.get(host, 0) for host in sorted({*before.hosts, *after.hosts})}
