"""Ctrl-C and the signals that end a service. Standard library only: armed before anything slow is imported."""

import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAME_REQUEST_S = 2.0


class StopRequested(BaseException):
    """Ctrl-C or a signal to end: no Exception, so that nobody on the way takes it for an error."""


class StopSignals:
    """Turns the first signal to stop into `StopRequested`, and a second one later into leaving at once."""

    def __init__(self) -> None:
        self._asked_at: float | None = None

    @property
    def asked(self) -> bool:
        """Whether somebody wants the process to stop; true even where `StopRequested` was raised into deaf ears."""
        return self._asked_at is not None

    def arm(self) -> None:
        """Take the signals over; called again after Ray has put handlers of its own there."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            raise StopRequested
        # One `kill` of a process group may come twice: by itself, and handed on by make.
        if now - self._asked_at > SAME_REQUEST_S:
            leave(1)  # the watchdog ends what is left


def leave_at_once_when_asked() -> None:
    """Until the signals are armed, a signal just ends the process: there is nothing yet that must be put away."""
    for number in STOP_SIGNALS:
        signal.signal(number, _leave_cleanly)


def _leave_cleanly(_number: int, _frame: FrameType | None) -> None:
    leave(0)


def leave(status: int) -> NoReturn:
    """End the process now: everything is put away, and Ray's hooks at exit would wait for a Ray that is gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
