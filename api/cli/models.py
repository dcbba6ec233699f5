"""`sigillo models …`: encoders, by which edited copies of signed pictures are found."""

from __future__ import annotations

from pathlib import Path

import typer

from api.cli.output import JSON

app = typer.Typer(no_args_is_help=True, help="Encoders, by which edited copies of signed pictures are found.")


@app.command()
def describe(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="An ONNX image encoder."),
    name: str = typer.Option(..., help="What it is called: sscd."),
    version: str = typer.Option(..., help="Which of its name it is: disc-mixup."),
    licence: str = typer.Option(..., help="Under which its weights are yours to use."),
    side: int = typer.Option(..., help="Pixels on the sides of the square that it takes."),
    threshold: float = typer.Option(..., help="Cosine from which two pictures count as copies of one."),
    measured: str = typer.Option(..., help="Where the threshold comes from, in a sentence."),
    fit: str = typer.Option("crop", help="crop: the middle of a picture; squash: all of it."),
    mean: str = typer.Option("0,0,0", help="Of red, green and blue of 0 to 1: what is taken off."),
    std: str = typer.Option("1,1,1", help="And what the rest is divided by."),
    as_json: bool = JSON,
) -> None:
    """Try an encoder in a sandboxed worker, and write its model card beside it: for SIGILLO_ENCODER."""
    from api.cli.describing import described  # late: NumPy, which hardly any command needs

    said = {"name": name, "version": version, "licence": licence, "threshold": threshold, "measured": measured}
    described(file, said, {"side": side, "fit": fit, "mean": mean, "std": std}, as_json=as_json)


@app.command("export-clip")
def export_clip(
    weights: Path = typer.Option(..., exists=True, dir_okay=False, help="Of open_clip's: torch or safetensors."),
    architecture: str = typer.Option("ViT-B-32", help="What they are of, as open_clip calls it."),
    licence: str = typer.Option(..., help="Under which they are yours to use."),
    out: Path = typer.Option(Path("clip"), file_okay=False, help="Folder for what is made."),
    pictures: Path = typer.Option(None, exists=True, file_okay=False, help="Compare on these, not on one of ours."),
    as_json: bool = JSON,
) -> None:
    """Make encoders of CLIP weights, in 32 and 8 bits, with model cards and how alike they are. Nothing is fetched."""
    from api.cli.exporting import exported  # late: subprocesses and cards, which hardly any command needs

    exported(weights, architecture, licence, out, pictures, as_json=as_json)
