"""`sigillo matching …`: how well faces are told apart, and the key their templates are made by."""

from __future__ import annotations

from pathlib import Path

import typer

from api.cli.output import JSON

app = typer.Typer(no_args_is_help=True, help="How well faces are told apart, and the key their templates are made by.")


@app.command()
def evaluate(
    folder: Path = typer.Argument(..., exists=True, file_okay=False, help="A folder for each person, photos in it."),
    groups: Path = typer.Option(
        None, exists=True, dir_okay=False, help="CSV, person,group; default: groups.csv in it."
    ),
    plot: Path = typer.Option(None, help="Write ROC and error rates as an SVG picture there."),
    as_json: bool = JSON,
) -> None:
    """Measure false matches and false non-matches at the shipped thresholds, on photos of your own."""
    from api.cli.evaluating import evaluated  # late: NumPy, which hardly any command needs

    evaluated(folder, groups, plot, as_json=as_json)
