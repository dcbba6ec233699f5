"""Leading a file that lost its manifest back to the one that was signed here, without ever calling the file signed."""
