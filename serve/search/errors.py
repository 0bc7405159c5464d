"""What can keep a search from being answered.

SearchError
├── NotIndexed     retryable: the index is being built for the first time
├── Busy           retryable: as many searches wait as may
└── BadCursor      terminal: the cursor is not one that this search gave
"""


class SearchError(Exception):
    """Base of all errors of search."""


class NotIndexed(SearchError):
    def __init__(self, retry_after_s: int = 2) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class Busy(SearchError):
    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class BadCursor(SearchError):
    def __init__(self) -> None:
        super().__init__("the cursor is not one that this search gave")
