# What an operator's token needs for `sigillo keys bootstrap-vault`: no more, and no root token.
# It can make and configure our mounts, keys, issuer, policy and login role. It cannot sign with the keys.
# Install it by hand:  bao policy write sigillo-bootstrap sigillo-bootstrap.hcl

# Mounts.
path "sys/mounts" {
  capabilities = ["read"]
}
path "sys/mounts/sigillo/+" {
  capabilities = ["create", "update"]
}

# Signing keys and their certificates.
path "sigillo/signing/keys/+" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
path "sigillo/signing/keys/sigillo-claim/csr" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim/set-certificate" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-ed25519/csr" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-ed25519/set-certificate" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-unseen/csr" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-unseen/set-certificate" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-unseen-ed25519/csr" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-unseen-ed25519/set-certificate" {
  capabilities = ["create", "update"]
}

# The root, the intermediate under it, and leaves for claim keys.
path "sigillo/root/issuers" {
  capabilities = ["list"]
}
path "sigillo/root/root/generate/internal" {
  capabilities = ["create", "update"]
}
path "sigillo/root/root/sign-intermediate" {
  capabilities = ["create", "update"]
}
path "sigillo/issuer/issuers" {
  capabilities = ["list"]
}
path "sigillo/issuer/intermediate/generate/internal" {
  capabilities = ["create", "update"]
}
path "sigillo/issuer/intermediate/set-signed" {
  capabilities = ["create", "update"]
}
path "sigillo/issuer/roles/sigillo-claim" {
  capabilities = ["create", "update", "read"]
}
path "sigillo/issuer/sign/sigillo-claim" {
  capabilities = ["create", "update"]
}
path "sigillo/issuer/config/crl" {
  capabilities = ["create", "update", "read"]
}

# The service's policy, and the role that it logs in as. A secret-id is given out wrapped or not at all.
path "sys/policies/acl/sigillo-service" {
  capabilities = ["create", "update", "read"]
}
path "sys/auth" {
  capabilities = ["read"]
}
path "sys/auth/sigillo" {
  capabilities = ["create", "update", "sudo"]
  allowed_parameters = {
    "type"   = ["approle"]
    "config" = []
  }
}
path "sys/auth/sigillo/tune" {
  capabilities = ["create", "update", "sudo"]
  allowed_parameters = {
    "user_lockout_config" = []
  }
}
path "auth/sigillo/role/sigillo-service" {
  capabilities = ["create", "update", "read"]
}
path "auth/sigillo/role/sigillo-service/role-id" {
  capabilities = ["read"]
}
path "auth/sigillo/role/sigillo-service/secret-id" {
  capabilities     = ["create", "update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "1h"
}
path "auth/sigillo/role/sigillo-service/secret-id-accessor/destroy" {
  capabilities = ["create", "update"]
}

# Plain tokens with that policy alone (`bootstrap-vault --plain-token`).
path "auth/token/roles/sigillo-service" {
  capabilities = ["create", "update", "read"]
}
path "auth/token/create/sigillo-service" {
  capabilities = ["create", "update"]
}
