"""The report's folder: `index.html`, its assets, and the samples it plays."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from reports.records.files import write_atomically
from reports.render.html import folder
from reports.render.html.report import Report
from reports.render.html.sections import cells, environment, limit, listen, matrix, study, tradeoff, trends, verdicts

FILE = "index.html"
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Block:
    """Data for the page's scripts, in an element of this id."""

    name: str
    content: Markup


def write(into: Path, report: Report) -> Path:
    """Write the report into a folder and return the page's path. Files that an earlier report left there are removed.

    Raises:
        ReportError: a file cannot be written.
    """
    assets = folder.assets()
    samples = folder.samples(report, into)
    page = render(report, samples.kept)
    folder.write(into, {**assets, **samples.to_copy}, samples.kept)
    # Last, so that a page never names a file that is not there yet.
    write_atomically(into / FILE, page)
    return into / FILE


def render(report: Report, kept: Set[str] = frozenset()) -> str:
    """The page as text.

    Args:
        report: what it shows.
        kept: addresses, from the page, of the samples that lie beside it.
    """
    tradeoffs, limits, trend = tradeoff.tradeoffs(report), limit.limits(report), trends.trends(report.trend)
    heard = listen.listen(report, kept)
    measured = cells.cells(report)
    blocks = [Block("data-cells", embedded(measured))] if measured else []
    if tradeoffs:
        blocks.append(Block("data-tradeoff", embedded([figure.as_json() for figure in tradeoffs])))
    if limits:
        blocks.append(Block("data-limit", embedded([figure.as_json() for figure in limits])))
    if trend:
        blocks.append(Block("data-trends", embedded(trend.data)))
    page: str = _template().render(
        run=report.run,
        verdicts=verdicts.verdicts(report),
        study=study.study(report),
        matrix=matrix.matrix(report, [one["name"] for one in measured]),
        tradeoffs=tradeoffs,
        limits=limits,
        on_gpu=any(report.run.environment_of(cell).get("gpu") for cell in report.run.cells.values()),
        measured=measured,
        cell_header=cells.HEADER,
        listen=heard,
        trend=trend,
        environment=environment.environment(report),
        blocks=blocks,
        scripts=folder.SCRIPTS,
    )
    return page


def embedded(data: Any) -> Markup:
    """Data as JSON that no text in it can end or open an element of the page with."""
    return htmlsafe_json_dumps(data, separators=(",", ":"), allow_nan=False)


def _template() -> Any:
    loader = FileSystemLoader(HERE / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("index.html.j2")
