from __future__ import annotations

from cryptography import x509

from tests.deployment import Running


def test_anchors_are_roots_and_need_no_key(deployment: Running) -> None:
    with deployment.http() as http:
        answer = http.get("/v1/trust/anchors.pem")
    roots = x509.load_pem_x509_certificates(answer.content)
    assert roots
    for root in roots:
        assert root.subject == root.issuer
    assert b"PRIVATE" not in answer.content
    assert answer.headers["content-type"] == "application/x-pem-file"
