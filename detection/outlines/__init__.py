"""The outline of a file, walked before anything decodes it: size in pixels, metadata, whether it is whole.

Decoders are forgiving where a signer must not be: Pillow skips the checksums of PNG image data and reads a
WebP whose container lies about its length. A walk touches headers only, except for PNG's checksums.

Rules
- One module for each container, with a function `outline`; `boxes` is for all that are made of ISO boxes.
- A file that ends before its format's end mark is truncated; one that contradicts its format is corrupt.
- Bytes after the end mark are allowed: phones append further pictures (MPO), depth maps and clips there.
"""
