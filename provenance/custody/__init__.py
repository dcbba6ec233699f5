"""Who made a file what it is, and how that is known: the graph, and the bundle in which it goes elsewhere."""
