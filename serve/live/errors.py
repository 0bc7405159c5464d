"""What keeps a stream from being opened.

StreamsRefused
|-- TooManyStreams      this process has as many as it may: another may have room
`-- TooManyFromOneAddress   this client has as many as one may
"""


class StreamsRefused(Exception):
    """Base of both. Retryable later; whoever can't wait polls."""

    def __init__(self, open_now: int) -> None:
        super().__init__(open_now)
        self.open_now = open_now


class TooManyStreams(StreamsRefused):
    """This process has as many as it may have."""


class TooManyFromOneAddress(StreamsRefused):
    """The client has as many as one address may have."""
