"""People, decisions and clocks: the upload's path through the house, assets, access, retention."""
