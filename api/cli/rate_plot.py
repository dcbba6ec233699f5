"""Error rates as an SVG picture, drawn by hand: the ROC beside both rates over the threshold.

Rates are on a logarithmic scale down to FLOOR: what was never seen lies on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from detection.faces.evaluation import Measured, Rate, thresholds

FLOOR: Final = 1e-6
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 420, 320, 70, 50, 110
_COLOURS: Final = ("#1b4f8f", "#c0392b", "#1e8449", "#8e44ad", "#b9770e", "#117a65", "#566573", "#d35400")

Point = tuple[float, float]
"""Both between 0 and 1, from the lower left."""


def svg(measured: Sequence[Measured], marks: Mapping[str, float]) -> str:
    """The picture; `marks` are thresholds to show, by name."""
    second = _LEFT + _WIDTH + _GAP
    body = [
        *_panel(_LEFT, "ROC", "false match rate", "share of mated pairs that match", _decades(), _tenths()),
        *_panel(second, "Rates by threshold", "cosine", "rate", _tenths(), _decades()),
    ]
    for number, one in enumerate(measured):
        colour = _COLOURS[number % len(_COLOURS)]
        body.append(_line(_LEFT, _roc(one), colour))
        body.append(_line(second, _over(one.false_matches), colour))
        body.append(_line(second, _over(one.false_non_matches), colour, dashed=True))
        body.append(_text(_LEFT, _TOP + _HEIGHT + 62 + 18 * number, one.group, colour, "start"))
    for name, threshold in marks.items():
        x = second + threshold * _WIDTH
        body.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_TOP + _HEIGHT}" stroke="#999"/>')
        body.append(_text(x, _TOP - 6, name, "#555", "middle"))
    body.append(
        _text(second, _TOP + _HEIGHT + 62, "whole: false match rate; dashed: false non-match rate", "#333", "start")
    )
    width, height = second + _WIDTH + 30, _TOP + _HEIGHT + 80 + 18 * len(measured)
    look = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {look}>'
    return "\n".join((head, f'<rect width="{width}" height="{height}" fill="white"/>', *body, "</svg>", ""))


def _roc(one: Measured) -> Iterator[Point]:
    for threshold in thresholds():
        missed, found = one.false_non_matches(threshold).share, one.false_matches(threshold)
        if missed is not None and found.share is not None:
            yield _log(found), 1 - missed


def _over(rate: Callable[[float], Rate]) -> Iterator[Point]:
    for threshold in thresholds():
        if (found := rate(threshold)).share is not None:
            yield threshold, _log(found)


def _log(rate: Rate) -> float:
    return 1 - math.log10(max(rate.share or 0, FLOOR)) / math.log10(FLOOR)


def _decades() -> list[tuple[float, str]]:
    powers = round(-math.log10(FLOOR))
    return [(step / powers, f"1e{step - powers}") for step in range(powers + 1)]


def _tenths() -> list[tuple[float, str]]:
    return [(step / 5, f"{step / 5:g}") for step in range(6)]


def _panel(
    left: float,
    title: str,
    across_name: str,
    up_name: str,
    across_ticks: Sequence[tuple[float, str]],
    up_ticks: Sequence[tuple[float, str]],
) -> Iterator[str]:
    bottom = _TOP + _HEIGHT
    yield f'<rect x="{left}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#333"/>'
    yield _text(left + _WIDTH / 2, 20, title, "#000", "middle")
    yield _text(left + _WIDTH / 2, bottom + 38, across_name, "#333", "middle")
    turned = f"translate({left - 48},{_TOP + _HEIGHT / 2}) rotate(-90)"
    yield f'<g transform="{turned}">{_text(0, 0, up_name, "#333", "middle")}</g>'
    for at, name in across_ticks:
        yield _text(left + at * _WIDTH, bottom + 18, name, "#333", "middle")
    for at, name in up_ticks:
        yield _text(left - 6, bottom - at * _HEIGHT + 4, name, "#333", "end")


def _line(left: float, points: Iterator[Point], colour: str, *, dashed: bool = False) -> str:
    places = " ".join(f"{left + x * _WIDTH:.1f},{_TOP + (1 - y) * _HEIGHT:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="5 3"' if dashed else ""
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>'


def _text(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'
