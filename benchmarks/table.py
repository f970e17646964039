"""The table as Markdown, which is read as well in a terminal."""

from collections.abc import Sequence

from benchmarks.result import Figure, Goal, Result

HEAD = ("row", "work", "ours", "against", "measured", "to reach", "beyond", "met")
VERDICTS = ("NO", "yes", "beyond")


def table(results: Sequence[Result]) -> str:
    """One line a result, columns aligned."""
    rows = [HEAD, *map(cells, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))


def cells(result: Result) -> tuple[str, ...]:
    return (
        result.row,
        result.work,
        result.ours,
        result.against,
        ", ".join(measured(figure) for figure in result.figures),
        ", ".join(limit(goal, goal.reach) for _, goal in result.figures),
        ", ".join(limit(goal, goal.beyond) for _, goal in result.figures),
        VERDICTS[result.degree],
    )


def measured(figure: Figure) -> str:
    return f"{number(figure.value)} {figure.goal.unit}"


def limit(goal: Goal, value: float) -> str:
    return f"{'≥' if goal.at_least else '≤'} {number(value)} {goal.unit}"


def number(value: float) -> str:
    """Three digits, which is more than a run can tell from the next."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004


def notes(results: Sequence[Result]) -> str:
    """What else the rows have to say, as a list."""
    return "\n".join(f"- {result.row} {result.work}: {note}" for result in results for note in result.notes)
