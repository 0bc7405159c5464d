"""Why a report can't be made.

ReportError
`-- WrongQuestion   terminal: the question names something that there isn't, or contradicts itself
"""


class ReportError(Exception):
    """Base of all errors of reports."""


class WrongQuestion(ReportError):
    """`parameter` is what is wrong with it, by its name in a request."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(parameter, detail)
        self.parameter = parameter
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.parameter}: {self.detail}"
