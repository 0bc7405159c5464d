"""`doorbuster node`: this machine as a node of a cluster."""

import time
from pathlib import Path

import click
from rich.console import Console

from ..launcher import node as nodes
from ..launcher import processes
from ..launcher.data import DataDirectory
from ..launcher.draining import drain_node
from ..launcher.environment import NodePlace
from ..launcher.errors import LaunchError, NodeFailed, NodeMissing
from ..launcher.ports import CLUSTER_SIDE_PORTS, GCS_PORT
from ..launcher.progress import Progress
from ..resolving import ENVIRONMENT_PREFIX
from .options import resolve_or_exit
from .stop_signals import StopRequested, StopSignals

GCS_REDIS_VARIABLE = f"{ENVIRONMENT_PREFIX}GCS_REDIS"
LOOK_EVERY_S = 0.5
DRAIN_TIMEOUT_S = 20.0
"""Service managers wait for 30 s and more; whoever can't wait that long kills, and loses nothing by it."""

data_option = click.option("--data", metavar="DIR", help="Directory of the secrets and logs, the same on every node.")


@click.group("node")
def command() -> None:
    """Make this machine a node of a cluster, or end that."""


@command.command("start", context_settings={"max_content_width": 120})
@click.option("--head", is_flag=True, help="The first node: the others are told its address.")
@click.option("--address", metavar="HOST:PORT", help="The head of the cluster to join.")
@data_option
@click.option("--node-ip-address", metavar="IP", help="Address by which the other nodes reach this one.")
@click.option("--door", metavar="IP", help="Address to take customers' requests at; 0.0.0.0 for every interface.")
@click.option("--port", type=int, default=GCS_PORT, show_default=True, help="Of a head: where the others find it.")
@click.option(
    "--gcs-redis",
    metavar="URL",
    envvar=GCS_REDIS_VARIABLE,
    default="",
    help=f"Of a head: Redis for Ray's own tables, so that the cluster survives it (also ${GCS_REDIS_VARIABLE}).",
)
@click.option("--haproxy-threads", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--statistics-port", type=int, default=CLUSTER_SIDE_PORTS.statistics, show_default=True)
@click.option("--metrics-port", type=int, default=CLUSTER_SIDE_PORTS.metrics, show_default=True)
@click.option("--fallback-port", type=int, default=CLUSTER_SIDE_PORTS.fallback, show_default=True)
@click.option("--block", is_flag=True, help="Stay until the node dies or a signal ends it.")
@click.argument("ray_options", nargs=-1, type=click.UNPROCESSED)
def start(
    head: bool,
    address: str | None,
    data: str | None,
    node_ip_address: str | None,
    door: str | None,
    port: int,
    gcs_redis: str,
    haproxy_threads: int,
    statistics_port: int,
    metrics_port: int,
    fallback_port: int,
    block: bool,
    ray_options: tuple[str, ...],
) -> None:
    """Start this machine's part of a cluster: `ray start` with everything that the shop needs of each node.

    The head makes the secrets that its data directory lacks; every other node must have been given the same ones.
    Options of `ray start` may follow after `--`.
    """
    if head == bool(address):
        raise click.UsageError("Say either --head or --address HOST:PORT.")
    if address and ":" not in address:
        address = f"{address}:{GCS_PORT}"
    folder = resolve_or_exit({"data": data}, None).settings.data
    console = Console(soft_wrap=True)
    if block:
        StopSignals().arm()
    try:
        own = node_ip_address or (nodes.own_address(address) if address else nodes.own_address())
        ports = CLUSTER_SIDE_PORTS._replace(statistics=statistics_port, metrics=metrics_port, fallback=fallback_port)
        plan = nodes.Plan(
            data=folder,
            head=head,
            cluster=address or f"{own}:{port}",
            place=NodePlace(own, door or own, ports, haproxy_threads),
            gcs_redis=gcs_redis,
            ray_options=ray_options,
        )
        with Progress(console).step(f"Starting {'the head' if head else 'a node'} at {own}"):
            node = nodes.start(plan)
        console.print(f"The cluster is at {node.cluster}.", highlight=False)
        if block:
            stay(node)
            nodes.end(folder)
            raise NodeFailed("Ray has ended here")
    except StopRequested:
        leave_cluster(folder, console)
    except LaunchError as error:
        raise click.ClickException(str(error)) from error


def stay(node: nodes.Node) -> None:
    """Wait for as long as this machine is a node."""
    raylet = nodes.raylet_of(node)
    while raylet is not None and processes.lives(raylet):
        time.sleep(LOOK_EVERY_S)


@command.command("secrets")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def make_secrets(directory: Path) -> None:
    """Make the secrets that all nodes of a cluster share, in DIRECTORY. Those that are there stay as they are."""
    data = DataDirectory(directory)
    try:
        with data.told_in_a_sentence():
            data.create()
            data.ensure_keys()
    except LaunchError as error:
        raise click.ClickException(str(error)) from error
    for file in data.keys:
        click.echo(file)


@command.command("stop")
@data_option
def stop(data: str | None) -> None:
    """End this machine's part of the cluster, and nothing else. Says so where there is none."""
    console = Console(soft_wrap=True)
    try:
        leave_cluster(resolve_or_exit({"data": data}, None).settings.data, console)
    except NodeMissing as error:
        console.print(str(error), highlight=False)


def leave_cluster(data: Path, console: Console) -> None:
    """Have other nodes take over what this one does, as far as that is quick, then end its processes."""
    node = nodes.find(data)
    if node is None:
        raise NodeMissing(data)
    progress = Progress(console)
    if nodes.raylet_of(node) is not None:
        with progress.step("Moving its shards to other nodes"):
            moved = drain_node(data, node.cluster, node.address, DRAIN_TIMEOUT_S)
        if not moved:
            console.print("Not all could be moved: other nodes take over what is left.", highlight=False)
    with progress.step("Stopping the node"):
        nodes.end(data)
