"""The W3C's suites that a deployment is run against, each at one commit, and what it is told of us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ISSUED: Final = {
    "ed25519": ("eddsa-rdfc-2022", "eddsa-jcs-2022"),
    "p256": ("ecdsa-rdfc-2019", "ecdsa-jcs-2019", "ecdsa-sd-2023", "vc+jwt"),
    "bls": ("bbs-2023",),
}
"""Which of the issuer's keys signs under which cryptosuite, and in envelopes."""


WORDS: Final = {"vc2.0": "/bare", "EnvelopingProof": "/bare", "BitstringStatusList": "/status"}
"""What the door is told of a tag besides its cryptosuite."""


@dataclass(frozen=True)
class Deployment:
    """Where the service is that a suite is told of."""

    url: str
    issuers: Mapping[str, str]
    """A did:key by the name of a key of ISSUED, as the issuer's for verifiers who fetch nothing."""

    def issuer(self, tag: str, suite: str, **more: Any) -> dict[str, Any]:
        """An endpoint that issues under that cryptosuite, or in that envelope."""
        (key,) = (name for name, suites in ISSUED.items() if suite in suites)
        return {
            "id": self.issuers[key],
            "endpoint": f"{self.url}/{suite}{WORDS.get(tag, '')}/credentials/issue",
            "supports": {"vc": ["2.0"]},
            "supportedEcdsaKeyTypes": ["P-256"],
            "tags": [tag],
            **more,
        }

    def verifier(self, path: str, *tags: str, versions: tuple[str, ...] = ("2.0",)) -> dict[str, Any]:
        """An endpoint that verifies."""
        return {
            "id": f"{self.url}{path}",
            "endpoint": f"{self.url}{path}",
            "supports": {"vc": list(versions)},
            "supportedEcdsaKeyTypes": ["P-256", "P-384"],
            "tags": list(tags),
        }


@dataclass(frozen=True)
class Suite:
    """One suite."""

    title: str
    folder: str
    """Of the repository's name."""

    commit: str
    tags: tuple[str, ...]
    """Of which cryptosuites, or what else it is told that we do."""

    suites: Mapping[str, str] = field(default_factory=dict)
    """Cryptosuite of the tags that name none."""

    contexts: tuple[str, ...] = ()
    """npm packages with contexts that its credentials have."""

    def manifest(self, service: Deployment) -> dict[str, Any]:
        """What its `localConfig.cjs` says."""
        return {
            "name": "Sigillo",
            "implementation": "Sigillo",
            "issuers": [service.issuer(tag, self.suites.get(tag, tag)) for tag in self.tags],
            "verifiers": [service.verifier("/credentials/verify", *self.tags)],
            "vpVerifiers": [service.verifier("/presentations/verify", *self.tags)],
            "vcHolders": [service.verifier("/credentials/derive", "vcHolder", *self.tags)],
            "didResolvers": [{"id": service.url, "endpoint": f"{service.url}/1.0/identifiers", "tags": ["did-key"]}],
            "jose-cose": {"features": dict.fromkeys(FEATURES, True)},
        }


FEATURES: Final = tuple(
    f"{kind}_{form}" for kind in ("credential", "presentation") for form in ("jose", "sdjwt", "cose")
)

SUITES: Final = (
    Suite(
        "Verifiable Credentials Data Model 2.0",
        "vc-data-model-2.0-test-suite",
        "6e075243825f50c79017de4a27089d329c093d0f",
        ("vc2.0", "EnvelopingProof"),
        {"vc2.0": "eddsa-rdfc-2022", "EnvelopingProof": "vc+jwt"},
    ),
    Suite(
        "Data Integrity EdDSA",
        "vc-di-eddsa-test-suite",
        "a62061b23892deb44dbad67a0315d403fdf09440",
        ("eddsa-rdfc-2022", "eddsa-jcs-2022"),
    ),
    Suite(
        "Data Integrity ECDSA",
        "vc-di-ecdsa-test-suite",
        "070efa34139e0918eb6ca86ab59033322803af3e",
        ("ecdsa-rdfc-2019", "ecdsa-jcs-2019", "ecdsa-sd-2023"),
    ),
    Suite(
        "Data Integrity BBS",
        "vc-di-bbs-test-suite",
        "75546c22ddb7818a8bd8290487a681f48b30ab9c",
        ("bbs-2023",),
        contexts=("@digitalbazaar/vdl-context",),
    ),
    Suite(
        "Bitstring Status List",
        "vc-bitstring-status-list-test-suite",
        "5cdc5625948470d1f3b8b615e0771c013dc9029e",
        ("BitstringStatusList",),
        {"BitstringStatusList": "ecdsa-rdfc-2019"},
    ),
    Suite(
        "Securing with JOSE and COSE",
        "vc-jose-cose-test-suite",
        "ff6be51dc4d3c373dfaffa9a634cf751faf5285a",
        (),
    ),
    Suite(
        "VC-API issuer",
        "vc-api-issuer-test-suite",
        "4aa46e285c24cf1f5afa5bb808bb086a39524f22",
        ("vc-api",),
        {"vc-api": "eddsa-rdfc-2022"},
    ),
    Suite(
        "VC-API verifier",
        "vc-api-verifier-test-suite",
        "41541eeb9c31215d32403f4fe32bb441fbbf141e",
        ("vc-api",),
        {"vc-api": "eddsa-rdfc-2022"},
    ),
    Suite(
        "did:key",
        "did-key-test-suite",
        "870e9647c0996c6bbade60b87a72eca055382d39",
        (),
    ),
)
