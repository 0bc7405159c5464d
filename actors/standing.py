"""What whoever looks after a cluster is told of it: its nodes, its hosts, and what is still to be done."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class HostFigures(NamedTuple):
    """What a host tells an operator."""

    node_id: str
    pid: int
    entities: int
    commands: int
    """How many it has taken since it started."""
    version: str


class Node(NamedTuple):
    """A living node of the cluster."""

    id: str
    address: str
    name: str
    leaving: bool
    """Whether Ray was told that it is about to end."""
    head: bool
    runs_hosts: bool


class Standing(NamedTuple):
    """What the directory tells whoever started the hosts, or looks after them."""

    hosts: Mapping[str, int]
    """All hosts that should live, each with how many shards it runs."""
    living: frozenset[str]
    draining: frozenset[str]
    homeless: Sequence[int]
    ready: int
    """How many hosts are as the roster wants them."""
    wanted: int
    complaints: Sequence[str]
    """What the roster could not bring about yet."""

    @property
    def unsettled(self) -> list[str]:
        """Why it isn't all as it should be; empty if it is."""
        reasons = list(self.complaints)
        if self.ready < self.wanted:
            reasons.append(f"{self.ready} of {self.wanted} hosts are ready")
        if self.homeless:
            reasons.append(f"no host has taken the shards {list(self.homeless)}")
        return reasons
