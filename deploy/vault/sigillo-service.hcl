# What the running service may do: sign claims, checkpoints and credentials, read their public parts, work its tenants' epochs, and
# renew its own token.
# Not: export, delete, rotate or configure a signing key, issue a certificate, or read anything else.
# `sigillo keys bootstrap-vault` installs this file as it stands.

# Claims: only as a SHA-256 digest, only as r || s. The caller names the key version.
path "sigillo/signing/sign/sigillo-claim/sha2-256" {
  capabilities = ["update"]
  allowed_parameters = {
    "input"                = []
    "key_version"          = []
    "prehashed"            = [true]
    "marshaling_algorithm" = ["jws"]
  }
}

# The same with Ed25519, which signs the claim itself (some kilobytes of hashes) and no digest.
path "sigillo/signing/sign/sigillo-claim-ed25519" {
  capabilities = ["update"]
  allowed_parameters = {
    "input"       = []
    "key_version" = []
  }
}

# Claims over content that is not seen: likewise, under another key.
path "sigillo/signing/sign/sigillo-claim-unseen/sha2-256" {
  capabilities = ["update"]
  allowed_parameters = {
    "input"                = []
    "key_version"          = []
    "prehashed"            = [true]
    "marshaling_algorithm" = ["jws"]
  }
}

path "sigillo/signing/sign/sigillo-claim-unseen-ed25519" {
  capabilities = ["update"]
  allowed_parameters = {
    "input"       = []
    "key_version" = []
  }
}

# Ledger checkpoints.
path "sigillo/signing/sign/sigillo-log" {
  capabilities = ["update"]
  allowed_parameters = {
    "input"       = []
    "key_version" = []
  }
}

# Credentials: Ed25519 (two hashes, or a token), and P-256 as a digest.
path "sigillo/signing/sign/sigillo-issuer-ed25519" {
  capabilities = ["update"]
  allowed_parameters = {
    "input"       = []
    "key_version" = []
  }
}
path "sigillo/signing/sign/sigillo-issuer-p256/sha2-256" {
  capabilities = ["update"]
  allowed_parameters = {
    "input"                = []
    "key_version"          = []
    "prehashed"            = [true]
    "marshaling_algorithm" = ["jws"]
  }
}

# What the issuer's BLS key is made of (Vault has no such keys): the HMAC of this one label, and of nothing else.
path "sigillo/signing/hmac/sigillo-issuer-bls/sha2-256" {
  capabilities = ["update"]
  allowed_parameters = {
    "input"       = ["c2lnaWxsby9pc3N1ZXItYmxzL3Yx"]
    "key_version" = []
  }
}

# Public keys and certificates of every version. (The roots at sigillo/root/issuers need no token.)
path "sigillo/signing/keys/sigillo-claim" {
  capabilities = ["read"]
}
path "sigillo/signing/keys/sigillo-claim-ed25519" {
  capabilities = ["read"]
}
path "sigillo/signing/keys/sigillo-claim-unseen" {
  capabilities = ["read"]
}
path "sigillo/signing/keys/sigillo-claim-unseen-ed25519" {
  capabilities = ["read"]
}
path "sigillo/signing/keys/sigillo-log" {
  capabilities = ["read"]
}
path "sigillo/signing/keys/sigillo-issuer-ed25519" {
  capabilities = ["read"]
}
path "sigillo/signing/keys/sigillo-issuer-p256" {
  capabilities = ["read"]
}
path "sigillo/signing/keys/sigillo-issuer-bls" {
  capabilities = ["read"]
}

# What our own CA revoked. Anyone may read it; named here so that where there is no such CA, the answer is "nothing".
path "sigillo/issuer/cert/crl" {
  capabilities = ["read"]
}

# Epochs: one wrapping key per tenant, never exportable, never deleted whole.
path "sigillo/epochs/keys/+" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = ["aes256-gcm96"]
  }
}
path "sigillo/epochs/keys/+/rotate" {
  capabilities = ["update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/epochs/datakey/plaintext/+" {
  capabilities = ["update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/epochs/decrypt/+" {
  capabilities = ["update"]
  allowed_parameters = {
    "ciphertext" = []
  }
}

# Destroying an epoch is what makes an erasure reach the backups.
path "sigillo/epochs/keys/+/config" {
  capabilities = ["update"]
  allowed_parameters = {
    "min_decryption_version" = []
    "min_encryption_version" = []
  }
}
path "sigillo/epochs/keys/+/trim" {
  capabilities = ["update"]
  allowed_parameters = {
    "min_available_version" = []
  }
}

# How far each log was signed: a mark that is read before each checkpoint and raised with check-and-set.
path "sigillo/marks/data/+" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "data"    = []
    "options" = []
  }
}

# Its own token: until when it lasts, and longer. Not: make another.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
  denied_parameters = {
    "*" = []
  }
}
