"""Finding and embedding the faces of one picture: YuNet and SFace, run by OpenCV. Runs in sandboxed workers only.

Rules
- Found in the picture at DETECT_SIDE, embedded from it at EMBED_SIDE: a small face keeps the pixels it has.
- One thread: the pool of workers is the parallelism.
- Loading reads the model's files, so it comes before isolation, and so does the first picture, with which the rest
  loads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from detection.faces.found import MAX_FACES, Box, Face, Quality

DETECTOR: Final = "face_detection_yunet_2023mar_int8bq.onnx"
RECOGNISER: Final = "face_recognition_sface_2021dec_int8bq.onnx"

DETECT_SIDE: Final = 640
"""Pixels on the longer side: there a face of a thirtieth of the picture is found."""

EMBED_SIDE: Final = 2048
"""The recogniser sees 112 x 112 pixels; of a face that small faces are found in, four times as many are left so."""

MIN_CONFIDENCE: Final = 0.7
OVERLAP: Final = 0.3
"""Two boxes that share more are one face."""

CANDIDATES: Final = 500
"""Boxes that are compared for that."""

DECIMALS: Final = 7
"""Of a component: all that a float of 32 bits has."""

_FIRST: Final = np.array([0, 0, 112, 112, 38, 52, 74, 52, 56, 72, 42, 92, 71, 92, 1], np.float32)
"""A face that is there already, at the places to which faces are aligned."""

_FAR: Final = 100.0
"""As far as it is told: of places that are no face's."""

_FACE: Final = (slice(20, 100), slice(20, 92))
"""Of the aligned picture's 112 rows and columns, those that show the face and little else."""

Pixels: TypeAlias = npt.NDArray[np.uint8]
Row: TypeAlias = npt.NDArray[np.float32]
"""What the detector says of a face: its box, the eyes, the nose, the corners of the mouth, its confidence."""


@dataclass(frozen=True)
class Finder:
    """The two networks, loaded. For one thread."""

    detector: cv2.FaceDetectorYN
    recogniser: cv2.FaceRecognizerSF
    digest: str
    """Of the model's files, as `detection.faces.found.FaceModel` has it."""

    @classmethod
    def load(cls, folder: Path) -> Finder:
        """From the folder with the model's files. Raises OSError, cv2.error."""
        cv2.setNumThreads(1)
        files = [folder / name for name in (DETECTOR, RECOGNISER)]
        digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
        size = (DETECT_SIDE, DETECT_SIDE)
        detector = cv2.FaceDetectorYN.create(str(files[0]), "", size, MIN_CONFIDENCE, OVERLAP, CANDIDATES)
        finder = cls(detector, cv2.FaceRecognizerSF.create(str(files[1]), ""), digest)
        finder.find(Image.new("RGB", size))
        finder._face(np.zeros((112, 112, 3), np.uint8), _FIRST, 1.0)
        return finder

    def find(self, picture: Image.Image, scale: float = 1.0) -> tuple[tuple[Face, ...], int]:
        """The faces of an upright RGB picture, the largest first, and how many there are beyond MAX_FACES; sizes are
        told in pixels of the file, `scale` times as many as the picture's.
        """
        pixels = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
        rows = self._detect(pixels)
        rows.sort(key=lambda row: float(row[2] * row[3]), reverse=True)
        return tuple(self._face(pixels, row, scale) for row in rows[:MAX_FACES]), max(0, len(rows) - MAX_FACES)

    def embed(self, aligned: Pixels) -> tuple[float, ...]:
        """The direction of a face in a picture of 112 x 112 pixels, its channels in the order blue, green, red."""
        direction = self.recogniser.feature(aligned).ravel().astype(np.float64)
        unit = np.round(direction / max(float(np.linalg.norm(direction)), 1e-12), DECIMALS)
        return tuple(map(float, unit))

    def _detect(self, pixels: Pixels) -> list[Row]:
        height, width = pixels.shape[:2]
        shrink = max(1.0, max(width, height) / DETECT_SIDE)
        small = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        seen = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA) if shrink > 1 else pixels
        self.detector.setInputSize(small)
        found: Any = self.detector.detect(seen)[1]  # None where there is no face, which its stubs forget
        if found is None:
            return []
        found[:, 0:14:2] *= width / small[0]
        found[:, 1:14:2] *= height / small[1]
        return [row for row in found if row[2] >= 1 and row[3] >= 1]

    def _face(self, pixels: Pixels, row: Row, scale: float) -> Face:
        aligned = np.asarray(self.recogniser.alignCrop(pixels, row), np.uint8)
        x, y, width, height = (round(float(side) * scale, 1) for side in row[:4])
        return Face(
            box=Box(x, y, width, height),
            confidence=round(min(1.0, max(0.0, float(row[14]))), 4),
            quality=_quality(aligned, row, (pixels.shape[1], pixels.shape[0]), scale),
            embedding=self.embed(aligned),
        )


def _quality(aligned: Pixels, row: Row, size: tuple[int, int], scale: float) -> Quality:
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    face = grey[_FACE]
    shadows, highlights = np.percentile(face, (5, 95))
    turn, spread = _pose(row)
    return Quality(
        side=int(min(row[2], row[3]) * scale),
        sharpness=round(float(cv2.Laplacian(grey, cv2.CV_64F).var() / max(float(grey.var()), 1.0)), 4),
        turn=round(turn, 3),
        spread=round(spread, 3),
        shadows=int(shadows),
        highlights=int(highlights),
        burnt=round(float((face >= 250).mean()), 3),
        cut=bool(row[0] < 0 or row[1] < 0 or row[0] + row[2] > size[0] or row[1] + row[3] > size[1]),
    )


def _pose(row: Row) -> tuple[float, float]:
    """How far the nose is from the middle between the eyes, along the line through them, in distances between them; and
    that distance over the one from the eyes to the mouth.
    """
    right, left, nose, *mouth = (row[at : at + 2] for at in range(4, 14, 2))
    between, eyes = left - right, (left + right) / 2
    apart = max(float(np.linalg.norm(between)), 1.0)
    height = max(float(np.linalg.norm(sum(mouth) / 2 - eyes)), 1.0)
    return max(-_FAR, min(_FAR, float((nose - eyes) @ between) / apart**2)), min(_FAR, apart / height)
