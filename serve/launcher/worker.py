"""What each of Ray's worker processes does before anything of Serve is imported there (`worker_process_setup_hook`)."""

from .binding import bind_to_node
from .spared import spare_serve


def set_up() -> None:
    """Listen where this node is reached, and import no more than it takes."""
    spare_serve()
    bind_to_node()
