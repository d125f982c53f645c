"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from benchmarks.figures import Result, Spread, Unmeasured

_HEADINGS = ("row", "RunWisp", "peer", "ratio (min-max)", "target", "", "what")


def render(results: Iterable[Result | Unmeasured]) -> str:
    """The table; a row that misses its target says so, and one without figures says why."""
    lines = [_HEADINGS, *(_cells(result) for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cells(result: Result | Unmeasured) -> Sequence[str]:
    row = result.row
    if isinstance(result, Unmeasured):
        last_line = result.reason.strip().rpartition("\n")[2]
        return row.name, "-", row.peer, "-", str(row.target), "NOT MEASURED", f"{row.title}: {last_line}"
    return (
        row.name,
        _figure(result.subject.median, row.unit),
        f"{_figure(result.peer.median, row.unit)} {row.peer}",
        f"{_ratio(result.ratio.median)} ({_ratio(result.ratio.least)}-{_ratio(result.ratio.most)})",
        str(row.target),
        "met" if result.is_met else "MISSED",
        row.title,
    )


def _figure(figure: float, unit: str) -> str:
    """Three digits are more than a measurement gives."""
    digits = f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
    return f"{digits} {unit}".rstrip()


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def to_json(results: Iterable[Result | Unmeasured]) -> str:
    """A list with an object for each row."""
    return json.dumps([_object(result) for result in results], indent=2)


def _object(result: Result | Unmeasured) -> dict[str, object]:
    row = result.row
    about: dict[str, object] = {
        "row": row.name,
        "what": row.title,
        "unit": row.unit,
        "subject": row.subject,
        "peer": row.peer,
        "target": {"at_least" if row.target.is_floor else "at_most": row.target.ratio},
    }
    if isinstance(result, Unmeasured):
        return {**about, "is_met": None, "reason": result.reason}
    return {
        **about,
        "repetitions": result.repetitions,
        "subject_figure": _spread(result.subject),
        "peer_figure": _spread(result.peer),
        "ratio": _spread(result.ratio),
        "is_met": result.is_met,
    }


def _spread(spread: Spread) -> dict[str, float]:
    return {"median": spread.median, "min": spread.least, "max": spread.most}
