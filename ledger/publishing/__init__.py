"""What anyone may read: the checkpoint that is shown, tiles, exports, search by what is public."""
