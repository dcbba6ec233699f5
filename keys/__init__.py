"""Who may sign or open: signers, certificates, sealing. Vault/OpenBao or the embedded store."""
