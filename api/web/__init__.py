"""Pages for people: rendered here, with small scripts beside them; every word from a catalogue, no stranger's code."""
