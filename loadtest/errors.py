"""What can go wrong while measuring; all of it is terminal for the run, or for the one row that it concerns.

LoadTestError
├── ToolMissing      a program or library that the row needs is not installed: the row is skipped
├── ServerFailed     a server that we started died or never became ready
├── UnexpectedAnswer the shop answered with a status that makes no sense here
└── DishonestRun     the ledger does not agree with what was acknowledged: the figure is void
"""


class LoadTestError(Exception):
    """Base of everything below."""


class ToolMissing(LoadTestError):
    """`tool` is not installed; `remedy` says how to get it."""

    def __init__(self, tool: str, remedy: str) -> None:
        super().__init__(tool, remedy)
        self.tool = tool
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.tool} is not installed: {self.remedy}"


class ServerFailed(LoadTestError):
    """`server` is not there; `log` holds the last lines that it wrote."""

    def __init__(self, server: str, problem: str, log: str = "") -> None:
        super().__init__(server, problem, log)
        self.server = server
        self.problem = problem
        self.log = log

    def __str__(self) -> str:
        return f"{self.server} {self.problem}" + (f"; its last words:\n{self.log}" if self.log else "")


class UnexpectedAnswer(LoadTestError):
    """`request` was answered with `status` and `body`."""

    def __init__(self, request: str, status: int, body: str) -> None:
        super().__init__(request, status, body)
        self.request = request
        self.status = status
        self.body = body

    def __str__(self) -> str:
        return f"{self.request} was answered with {self.status}: {self.body}"


class DishonestRun(LoadTestError):
    """`contender` sold something else than it acknowledged."""

    def __init__(self, contender: str, finding: str) -> None:
        super().__init__(contender, finding)
        self.contender = contender
        self.finding = finding

    def __str__(self) -> str:
        return f"{self.contender}: {self.finding}"
