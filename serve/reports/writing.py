"""A report's answer in the formats that it leaves in: JSON, CSV, Parquet."""

import csv
import io
from typing import Any

import msgspec

from ..instants import timestamp
from .formats import Format
from .report import Answer, Unit


def written(answer: Answer, wanted: Format) -> bytes:
    """The answer in that format."""
    match wanted:
        case Format.JSON:
            return as_json(answer)
        case Format.CSV:
            return as_csv(answer)
        case Format.PARQUET:
            return as_parquet(answer)
        case Format.PNG:
            from .charts import as_png

            return as_png(answer)


def as_json(answer: Answer) -> bytes:
    """The question as it was understood, the columns with their units, and the rows as objects."""
    names = [column.name for column in answer.columns]
    question = answer.question
    return msgspec.json.encode(
        {
            "name": answer.report.name,
            "title": answer.report.title,
            "from": str(question.first),
            "to": str(question.last),
            "timezone": question.zone.key,
            "since": timestamp(question.since),
            "until": timestamp(question.until),
            "currency": question.currency,
            "interval": question.interval,
            "by": question.by,
            "columns": [{"name": c.name, "unit": str(c.unit), "about": c.about} for c in answer.columns],
            "rows": [dict(zip(names, row, strict=True)) for row in answer.rows],
        }
    )


def as_csv(answer: Answer) -> bytes:
    """RFC 4180, with a line of names. Money is in minor units, as everywhere; what isn't known is empty."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow([column.name for column in answer.columns])
    lines.writerows([_cell(value) for value in row] for row in answer.rows)
    return text.getvalue().encode()


def as_parquet(answer: Answer) -> bytes:
    """One row group, with the types of the columns' units also where there are no rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        Unit.TEXT: pa.string(),
        Unit.PERIOD: pa.string(),
        Unit.COUNT: pa.int64(),
        Unit.MONEY: pa.int64(),
        Unit.SHARE: pa.float64(),
        Unit.NUMBER: pa.float64(),
        Unit.DAYS: pa.float64(),
    }
    schema = pa.schema([pa.field(column.name, types[column.unit]) for column in answer.columns])
    columns = [[_plain(row[place]) for row in answer.rows] for place in range(len(answer.columns))]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def _plain(value: Any) -> Any:
    """Decimals, which DuckDB makes of some divisions, as floats."""
    return value if value is None or isinstance(value, str | int | float) else float(value)


def _cell(value: Any) -> Any:
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, str) and plain[:1] in "=+-@\t\r":
        # A spreadsheet would take a product's name for a formula.
        return f"'{plain}"
    return round(plain, 6) if isinstance(plain, float) else plain
