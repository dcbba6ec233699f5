"""How well faces are told apart, on photos that an operator labelled: counted, and told.

It measures on this machine: photos are decoded in sandboxed workers, nothing is sent and nothing kept but counts.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from api.cli.output import Exit, counted, fail, quoted, say, show, told
from api.cli.rate_plot import svg
from detection.errors import MediaError, SandboxUnavailableError
from detection.faces.evaluation import Labelled, Measured, Rate, measure
from detection.faces.found import FACE_MODEL, Faces
from detection.faces.look import JOBS, absent, look
from detection.faces.quality import PhotoRefusedError, judge
from detection.isolation import Isolation
from detection.memfd import Memfd
from detection.sandbox import Sandbox
from detection.templates.thresholds import THRESHOLDS

GROUPS_FILE: Final = "groups.csv"
WAIT_SECONDS: Final = 3600.0
"""For a free worker: nobody else waits."""

MARKS: Final = {"possible": THRESHOLDS.possible, "likely": THRESHOLDS.likely, "certain": THRESHOLDS.certain}


@dataclass(frozen=True)
class Photo:
    """A file, and who its folder says that it shows."""

    person: str
    file: Path


@dataclass
class Found:
    """The photos that show one face; why others are passed over; why some of the former could not be registered."""

    faces: list[Labelled] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, person: str, group: str, found: Faces | MediaError) -> None:
        """What was found in a photo of theirs."""
        if isinstance(found, MediaError):
            self.passed_over[found.code] += 1
            return
        seen = [face for sighting in found.sightings for face in sighting.faces]
        if len(seen) != 1:
            self.passed_over["several_faces" if seen else "no_face"] += 1
            return
        self.faces.append(Labelled(person, group, seen[0].embedding))
        try:
            judge(found)
        except PhotoRefusedError as error:
            self.refused[error.reason] += 1


def evaluated(folder: Path, groups: Path | None, plot: Path | None, *, as_json: bool) -> None:
    """What `sigillo matching evaluate` does."""
    with told():
        labels = _groups(groups or folder / GROUPS_FILE)
        photos = list(_photos(folder))
        found = _looked_at(photos, labels)
        if len({one.person for one in found.faces}) < 2:
            raise fail(f"{folder} must hold a folder for each person, two at least, and photos of one face", Exit.USAGE)
        measured = measure(found.faces)
        if plot:
            plot.write_text(svg(measured, MARKS))
    if as_json:
        show(_report(measured, found))
    else:
        _tell(measured, found)


def _photos(folder: Path) -> Iterator[Photo]:
    for person in sorted(each for each in folder.iterdir() if each.is_dir()):
        for file in sorted(each for each in person.iterdir() if each.is_file() and not each.name.startswith(".")):
            yield Photo(person.name, file)


def _groups(file: Path) -> Mapping[str, str]:
    if not file.exists():
        return {}
    with file.open(newline="") as lines:
        rows = [row for row in csv.reader(lines) if row]
    if any(len(row) != 2 for row in rows):
        raise fail(f"{file}: write person,group in each line", Exit.USAGE)
    return {person.strip(): group.strip() for person, group in rows}


def _looked_at(photos: list[Photo], labels: Mapping[str, str]) -> Found:
    """Raises SandboxUnavailableError, OSError."""
    if reason := absent():
        raise SandboxUnavailableError(reason)
    size, kept = os.cpu_count() or 1, Found()
    with (
        Sandbox(JOBS, size=size, isolation=Isolation.WARN, wait_seconds=WAIT_SECONDS) as workers,
        ThreadPoolExecutor(size) as pool,
    ):
        for photo, found in zip(photos, pool.map(lambda one: _look(workers, one.file), photos), strict=True):
            kept.add(photo.person, labels.get(photo.person, ""), found)
    return kept


def _look(workers: Sandbox, file: Path) -> Faces | MediaError:
    with Memfd.of([file.read_bytes()]) as memfd:
        try:
            return look(workers, memfd)
        except MediaError as error:
            return error


def _report(measured: list[Measured], found: Found) -> dict[str, Any]:
    return {
        "model": str(FACE_MODEL),
        "thresholds": {"version": THRESHOLDS.name, **MARKS},
        "passed_over": dict(found.passed_over),
        "not_fit_to_register": dict(found.refused),
        "groups": [
            {"group": one.group, "people": one.people, "photos": one.photos, "at": _at(one)} for one in measured
        ],
    }


def _at(one: Measured) -> dict[str, Any]:
    rates = {name: (one.false_matches(least), one.false_non_matches(least)) for name, least in MARKS.items()}
    return {
        name: {"false_matches": _rate(fmr), "false_non_matches": _rate(fnmr)} for name, (fmr, fnmr) in rates.items()
    }


def _rate(rate: Rate) -> dict[str, float | int | None]:
    return {"errors": rate.errors, "comparisons": rate.comparisons, "rate": rate.share}


def _tell(measured: list[Measured], found: Found) -> None:
    for one in measured:
        people = counted(one.people, "person", "people")
        say(f"[bold]{quoted(one.group)}[/]  {people}, {counted(one.photos, 'photo')}")
        for name, least in MARKS.items():
            matches, misses = one.false_matches(least), one.false_non_matches(least)
            say(f"  {name:<9} from {least:.2f}  false matches {_said(matches)}, false non-matches {_said(misses)}")
    for reason, number in found.passed_over.items():
        say(f"passed over: {counted(number, 'photo')} ({quoted(reason)})")
    for reason, number in found.refused.items():
        say(f"not fit to be registered, and compared all the same: {counted(number, 'photo')} ({quoted(reason)})")
    say("These are the rates of this set of photos. With no error in n comparisons the rate may still be 3/n.")


def _said(rate: Rate) -> str:
    return f"{rate.errors} of {rate.comparisons}" + (f" ({rate.share:.2%})" if rate.share is not None else "")
