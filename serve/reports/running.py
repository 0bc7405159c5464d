"""Answers questions from the lake: one at a time, in a thread, with what the files held at one instant."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ml.lake.reading import connect, instant_of
from ml.lake.summaries import Period, create_view

from .errors import WrongQuestion
from .question import Question
from .report import Answer, Report

MEMORY = "1GB"
"""That one report may use; what needs more goes through files."""


class Library:
    """The reports over one lake."""

    def __init__(self, lake: Path, reports: Mapping[str, Report]) -> None:
        self._lake = lake
        self._reports = reports
        self._turn = asyncio.Lock()

    async def answer(self, question: Question) -> Answer:
        """Run a report; raises WrongQuestion."""
        report = report_of(question, self._reports)
        question = completed(question, report)
        # The machine sells: several reports at once would only wait for each other, and everybody else for them.
        async with self._turn:
            return await asyncio.to_thread(self.run, report, question)

    def run(self, report: Report, question: Question) -> Answer:
        """As `answer`, in the caller's thread."""
        sql = report.sql(question)
        values = {name: value for name, value in question.values.items() if f"${name}" in sql}
        instant = instant_of(self._lake)
        with connect(self._lake, memory=MEMORY, instant=instant) as lake:
            period = Period(question.since, question.until)
            for name, partial in report.partials(question).items():
                create_view(lake, self._lake, name, partial, instant.files.get(partial.table, ()), period)
            rows = lake.execute(sql, values).fetchall()
        if report.after is not None:
            rows = report.after(question, rows)
        return Answer(report, question, report.columns(question), rows)


def report_of(question: Question, reports: Mapping[str, Report]) -> Report:
    """The report that is asked for; raises WrongQuestion where there is none, or where it can't be cut so."""
    report = reports.get(question.report)
    if report is None:
        raise WrongQuestion("name", f"must be one of {', '.join(sorted(reports))}")
    if question.interval and question.interval not in report.intervals:
        raise WrongQuestion("interval", f"is nothing that {report.name} can be cut by")
    if question.by and question.by not in report.dimensions:
        raise WrongQuestion("by", f"is nothing that {report.name} can be cut by")
    return report


def completed(question: Question, report: Report) -> Question:
    """With what the report is cut by where nothing was asked."""
    if question.interval or question.by:
        return question
    return question._replace(interval=report.default_interval, by=report.default_by)
