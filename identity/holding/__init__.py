"""What a holder keeps and does with it: keys, one for each credential; showing a credential, or a part of it."""
