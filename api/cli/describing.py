"""Trying an encoder on this machine, as the service will run it, and writing down what it is."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from pydantic import ValidationError

from api.cli.output import Exit, fail, quoted, say, show, told
from detection.embedding.card import FORM, Form, ModelCard
from detection.embedding.embed import JOBS, absent, held, run
from detection.errors import ModelCardError
from detection.isolation import Isolation
from detection.memfd import Memfd
from detection.sandbox import Sandbox

WAIT_SECONDS: Final = 60.0
"""For a worker to load a large network."""


@dataclass(frozen=True)
class Tried:
    """What an encoder made of a photograph that comes with Sigillo, and of edits of it."""

    digest: str
    dimensions: int
    milliseconds: float
    """For one picture, decoding it included; the second time, when the network is loaded."""

    cosines: Mapping[str, float]
    """Between the photograph and each edit, and its reverse."""


def described(file: Path, said: dict[str, object], form: dict[str, Any], *, as_json: bool) -> None:
    """What `sigillo models describe` does."""
    with told():
        put = _form(form)
        tried = trial(file, put)
        card = ModelCard.of(
            {**said, "form": put, "file": file.name, "digest": tried.digest, "dimensions": tried.dimensions}
        )
        path = file.with_suffix(".json")
        path.write_text(card.to_json())
    if as_json:
        show({"card": str(path), "model": str(card), "digest": card.digest, "dimensions": card.dimensions})
        return
    say(f"[bold]{quoted(card)}[/]  {card.dimensions} dimensions, {tried.milliseconds:.0f} ms a picture")
    for name, cosine in tried.cosines.items():
        say(f"  cosine {cosine:.3f}  {name}")
    say(f"model card: {quoted(path)}; the service uses it by SIGILLO_ENCODER={quoted(path.absolute())}")


def trial(file: Path, form: Form) -> Tried:
    """Run it in a sandboxed worker. Raises ModelCardError, EncoderUnusableError, SandboxError."""
    if missing := absent():
        raise ModelCardError(missing)
    pictures = dict(_pictures())
    with (
        closing(held(file)) as model,
        Sandbox(JOBS, size=1, isolation=Isolation.WARN, wait_seconds=WAIT_SECONDS) as workers,
    ):
        found = {}
        for name, picture in pictures.items():
            with Memfd.of([picture]) as memfd:
                begun = time.perf_counter()
                digest, found[name] = run(workers, model, form, memfd)
                taken = time.perf_counter() - begun
    photo, *edits = found.items()
    cosines = {name: float(np.dot(photo[1], direction)) for name, direction in edits}
    return Tried(digest, len(photo[1]), 1000 * taken, cosines)


def _pictures() -> Iterator[tuple[str, bytes]]:
    """A photograph, what becomes of it, and what is none of it."""
    photo = Image.open(io.BytesIO((files("api.cli") / "astronaut.jpg").read_bytes())).convert("RGB")
    width, height = photo.size
    yield "the photograph", _saved(photo)
    yield "at half its size", _saved(photo.resize((width // 2, height // 2)))
    yield "without a tenth", _saved(photo.crop((width // 20, height // 20, width - width // 20, height - height // 20)))
    yield "turned by five degrees", _saved(photo.rotate(5, Image.Resampling.BICUBIC))
    yield "noise, which is another picture", _saved(Image.effect_noise((width, height), 80).convert("RGB"))


def _saved(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def _form(form: dict[str, Any]) -> Form:
    """Raises typer.Exit."""
    try:
        three = {name: [float(one) for one in form[name].split(",")] for name in ("mean", "std")}
        return FORM.validate_python({**form, **three})
    except ValidationError as error:
        first = error.errors()[0]
        raise fail(f"--{first['loc'][0]}: {first['msg']}", Exit.USAGE) from error
    except ValueError as error:
        raise fail(
            "--mean and --std are three numbers with commas between them: 0.485,0.456,0.406", Exit.USAGE
        ) from error
