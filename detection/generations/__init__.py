"""Generations of the index: each commits, in the log, to the registrations in it, so that absence can be proved."""
