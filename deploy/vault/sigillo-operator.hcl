# What an operator's token needs for `sigillo keys rotate`, `csr`, `install-chain` and `retire`: the life of the claim keys
# and of the issuer's keys.
# Not: sign with it, have it given away, touch the log's key or an epoch, or let anybody in.
# Install it by hand:  bao policy write sigillo-operator sigillo-operator.hcl

# Versions: make, certify, retire. (Retiring is one setting; that it can be lowered again, this policy cannot prevent.)
path "sigillo/signing/keys/sigillo-claim" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
path "sigillo/signing/keys/sigillo-claim/rotate" {
  capabilities = ["create", "update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/signing/keys/sigillo-claim/csr" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim/set-certificate" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "min_encryption_version" = []
  }
}
path "sigillo/signing/keys/sigillo-claim-ed25519" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
path "sigillo/signing/keys/sigillo-claim-ed25519/rotate" {
  capabilities = ["create", "update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/signing/keys/sigillo-claim-ed25519/csr" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-ed25519/set-certificate" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-ed25519/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "min_encryption_version" = []
  }
}

# The same for the key of claims over content that is not seen.
path "sigillo/signing/keys/sigillo-claim-unseen" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
path "sigillo/signing/keys/sigillo-claim-unseen/rotate" {
  capabilities = ["create", "update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/signing/keys/sigillo-claim-unseen/csr" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-unseen/set-certificate" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-unseen/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "min_encryption_version" = []
  }
}
path "sigillo/signing/keys/sigillo-claim-unseen-ed25519" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
path "sigillo/signing/keys/sigillo-claim-unseen-ed25519/rotate" {
  capabilities = ["create", "update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/signing/keys/sigillo-claim-unseen-ed25519/csr" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-unseen-ed25519/set-certificate" {
  capabilities = ["create", "update"]
}
path "sigillo/signing/keys/sigillo-claim-unseen-ed25519/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "min_encryption_version" = []
  }
}

# The issuer's keys: make, retire.
path "sigillo/signing/keys/sigillo-issuer-ed25519" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
path "sigillo/signing/keys/sigillo-issuer-ed25519/rotate" {
  capabilities = ["create", "update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/signing/keys/sigillo-issuer-ed25519/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "min_encryption_version" = []
  }
}
path "sigillo/signing/keys/sigillo-issuer-p256" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
path "sigillo/signing/keys/sigillo-issuer-p256/rotate" {
  capabilities = ["create", "update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/signing/keys/sigillo-issuer-p256/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "min_encryption_version" = []
  }
}
path "sigillo/signing/keys/sigillo-issuer-bls" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = []
  }
}
path "sigillo/signing/keys/sigillo-issuer-bls/rotate" {
  capabilities = ["create", "update"]
  denied_parameters = {
    "*" = []
  }
}
path "sigillo/signing/keys/sigillo-issuer-bls/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "min_encryption_version" = []
  }
}

# Our own CA certifies; an outside one's root becomes an anchor. (Listing the roots and the issuers needs no token.)
path "sigillo/issuer/sign/sigillo-claim" {
  capabilities = ["create", "update"]
}
path "sigillo/root/issuers/import/cert" {
  capabilities = ["create", "update"]
}
