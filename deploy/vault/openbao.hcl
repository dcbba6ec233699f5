# One OpenBao server with its data on its own disk. OpenBao 2.7 refuses `storage "file"`; raft is what it keeps
# data in, on one server as on several. Start it with `bao server -config=openbao.hcl`, then `bao operator init` once,
# and `bao operator unseal` after each start.
storage "raft" {
  path    = "/var/lib/openbao"
  node_id = "one"
}

listener "tcp" {
  address       = "0.0.0.0:8200"
  tls_cert_file = "/etc/openbao/server.pem"
  tls_key_file  = "/etc/openbao/server.key"
}

api_addr     = "https://vault.example:8200"
cluster_addr = "https://vault.example:8201"
