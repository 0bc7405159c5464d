"""Every report, by its name: one module for each thing that a merchant asks about."""

from collections.abc import Mapping

from ..report import Report
from . import customers, demand, funnel, inventory, products, sales, suppliers

REPORTS: Mapping[str, Report] = {
    report.name: report
    for module in (sales, products, customers, funnel, inventory, suppliers, demand)
    for report in module.REPORTS
}
