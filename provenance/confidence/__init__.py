"""How sure we are that what a file says of its origin is so: a score, with a reason for each thing it rests on."""
