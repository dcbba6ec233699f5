"""A service from its start to its end: the home it holds, its server, what it does by itself and tells about itself."""
