"""Single pictures and their near copies, by a perceptual hash: fingerprints, their bank and index, pictures that
everybody has.
"""
