"""How often Python looks for cycles in a process that hosts entities."""

import gc

YOUNG_OBJECTS = 20_000
"""Containers born since the last look at the young (700 by default). Looking at these takes about a millisecond."""
YOUNG_LOOKS_PER_MIDDLE = 20
MIDDLE_LOOKS_PER_FULL = 100


def look_less_for_cycles() -> None:
    """Call once a process is composed.

    Entities, messages and replies are trees: counting references frees them. What was loaded until now stays for good
    and is not looked at again. With the defaults a fifth of a purchase's time went into looking for cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS_PER_MIDDLE, MIDDLE_LOOKS_PER_FULL)
