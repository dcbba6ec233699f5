"""What is too much: each limit is checked before the work it bounds (invariant 12).

Plain numbers in a module of their own, so that the edge can read them without loading a decoder.
"""

from __future__ import annotations

from detection.errors import MediaTooLargeError

MAX_UPLOAD_BYTES = 512 * 1024 * 1024
"""The largest file that a deployment may take; the edge stops reading at its own limit, and the worker checks again."""

MAX_PIXELS = 100_000_000
"""Width times height: decoded RGBA then takes 400 MB, which fits a worker's memory twice over."""

MAX_SIDE = 30_000
"""The longer side in pixels."""

MAX_ANIMATION_FRAMES = 10_000
"""Pictures of an animation, each composed and hashed."""

MAX_ANIMATION_PIXELS = 250_000_000
"""Pixels of all its pictures together: composed and hashed within the time of a job, transparent ones too, which take
longest."""

MAX_DURATION = 4 * 3600 * 1000
"""Milliseconds that anything plays."""

MAX_FRAMES = 256
"""Frames whose look is hashed; a longer film is looked at less often."""

MAX_WINDOWS = 256
"""Windows of sound that are hashed; in a longer one each is longer."""

MAX_PAGES = 10_000
"""Of a document."""

MAX_OBJECTS = 50_000
"""Of a PDF, as its trailer says: c2pa-rs reads and writes all of them several times over, which takes it seconds."""

MAX_TRACKS = 16
"""Of one film, those that are neither pictures nor sound included."""

MAX_HIDDEN = 10_000
"""Milliseconds of a track that an edit list may leave out: a film cut without being encoded anew keeps what lies
between the key frame before and the cut."""

MAX_FRAME_PIXELS = 36_000_000
"""Of a film, 8K: a decoder keeps up to seventeen frames at a time."""

MAX_FILM_PIXELS = 40_000_000_000
"""All frames of a film together: five minutes of 4K at fifteen, or an hour and a half at 640 x 480: what a core
decodes within the time that the largest file has (`provenance.validation`)."""

MAX_SAMPLES = 2_500_000_000
"""Of sound, all channels together: four hours of stereo at 48 kHz are 1.4 thousand million."""

MAX_METADATA_BYTES = 8 * 1024 * 1024
"""Metadata that a decoder gathers: EXIF, XMP, ICC, text. C2PA manifests are not counted: no decoder reads
them.
"""

MAX_SEGMENTS = 65_536
"""Chunks of a PNG or WebP file, marker segments of a JPEG file, blocks of a GIF file,
fields of a TIFF file and pieces of its picture."""

MAX_BOXES = 8_192
"""Beside each other: c2pa-rs passes all of them for each, and so takes time by the square. Measured on a busy machine
with films of one picture a fragment: of 8,192, two seconds to verify and six to sign; of 16,384, more than the ten and
thirty that there are. They are 68 minutes in
fragments of a second."""

MAX_SCANS = 100
"""Scans of a progressive JPEG: each passes over every pixel, and a camera writes about ten."""


def at_most(field: str, limit: int, actual: int) -> None:
    """Raises MediaTooLargeError beyond the limit."""
    if actual > limit:
        raise MediaTooLargeError(field=field, limit=limit, actual=actual)
