"""What a server answers, as its own description (`/openapi.json`) has it: JSON objects, each member with its type.

Written by `python -m tests.client.answers`; a test holds it to the service. A later one may add members and values.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Account(TypedDict):
    """How an account stands."""

    id: str
    tier: Tier
    evidence: list[Evidence]
    policy: str


class Activity(TypedDict):
    """Whether something is allowed, and on what basis, or why not."""

    allowed: bool
    basis: str


AnswerOutput = Literal["allowed", "refused", "ask_a_human"]


class Asset(TypedDict):
    """One asset of the caller's; of one that was erased only the tombstone is left."""

    id: str
    state: AssetState
    visibility: Visibility
    created_at: str
    content_expires_at: str
    mime: NotRequired[str | None]
    width: NotRequired[int | None]
    height: NotRequired[int | None]
    duration: NotRequired[int | None]
    bytes: NotRequired[int | None]
    sha256: NotRequired[str | None]
    title: NotRequired[str | None]
    manifest: NotRequired[str | None]
    signed_with: NotRequired[str | None]
    time_stamp: NotRequired[TimeStamp | None]
    parent: NotRequired[ParentFinding | None]
    confidence: NotRequired[Confidence | None]
    marking: NotRequired[Marking | None]
    hold: NotRequired[Hold | None]
    ledger: Ledger
    links: dict[str, str]


AssetState = Literal["signed", "held", "expired", "erased"]


By = Literal["content", "pdq", "image-code", "frames", "embedding"]


class ClaimSignature(TypedDict):
    """A signature over a claim."""

    signature: str
    time_stamp: str | None
    claim_sha256: str
    signed_with: str
    ledger: Ledger


class Confidence(TypedDict):
    """How sure we are that what a file says of its origin is so: neither whether it is true, nor whether it is good."""

    score: int
    band: str
    policy: str
    base: int
    reasons: list[ReasonOutput]
    mismatches: list[Mismatch]


class Consent(TypedDict):
    """What was agreed to, and how that is known: `attested` is a platform's word."""

    text: str
    language: str
    sha256: str
    known_by: str
    statement_sha256: str


class ConsentText(TypedDict):
    """A text to be shown, and agreed to, word for word."""

    name: str
    language: str
    sha256: str
    text: str


class Creator(TypedDict):
    """How the account that made an asset stands."""

    verified: bool
    by: str
    level: Tier
    since: str | None
    credential_type: str | None


class Disclosure(TypedDict):
    """What to show beside the file."""

    code: str
    language: str
    text: str


class Entry(TypedDict):
    """A public entry, where it stands in the log, and where its receipt is."""

    index: int
    entry: dict[str, Any]
    receipt: str


class EntryPage(TypedDict):
    """Every match of a range; `next` is the cursor of the page after, null when the search is over."""

    entries: list[Entry]
    range: Range
    next: str | None


class Evidence(TypedDict):
    """Evidence that counts."""

    id: str
    kind: EvidenceKind
    source: str
    tier: Tier
    region: str
    granted_at: str
    expires_at: str


EvidenceKind = Literal[
    "email",
    "phone",
    "login",
    "public_account",
    "attestation",
    "driving_licence",
    "identity_document",
    "portrait",
    "kyc",
]


HeldFor = Literal["likeness-review", "likeness-unchecked"]


class Hold(TypedDict):
    """Why an asset is not given out; neither whom it may show nor how sure that is."""

    reason: HeldFor
    sentence: str
    appeal: str


class Ingredient(TypedDict):
    """A file that went into this one."""

    depth: int
    title: str | None
    format: str | None
    relationship: str | None
    label: str | None
    verdict: Verdict | None
    signer: str | None
    failures: list[str]


class IssuedCredential(TypedDict):
    """A credential that was issued."""

    id: str
    credential: dict[str, Any] | str
    ledger: Ledger


class IssuedKey(TypedDict):
    """A new key; `token` is shown this once."""

    id: str
    principal: str
    tenant: str
    tool: str
    source_types: list[str]
    models: list[str]
    assertions: list[str]
    scopes: list[str]
    created_at: str
    revoked_at: str | None
    token: str


Kind = Literal["face", "image"]


class Ledger(TypedDict):
    """Where the decision stands in the ledger."""

    entry: str
    state: str
    receipt: str


class LedgerProof(TypedDict):
    """The signing of a public asset of this deployment in its ledger."""

    entry: str
    receipt: str | None


class LikenessCheck(TypedDict):
    """The answer."""

    id: str
    answer: AnswerOutput
    sentence: str
    purpose: Use
    skipped: list[str]
    nonce: str
    commitment: str
    salt: str
    token: str
    expires_at: str
    ledger: Ledger


class ListInForce(TypedDict):
    """A trust list that a policy was made of, as reports and records name it."""

    name: str
    issued: str
    digest: str
    next_update: NotRequired[str]


Looked = Literal["found", "nothing", "unknown"]


Mark = Literal["none", "found", "recovered", "verified", "added"]


class Marking(TypedDict):
    """What a file says of AI in it."""

    mark: Mark
    source_types: list[str]
    carriers: list[str]
    disclosure: Disclosure | None


class Message(TypedDict):
    """A sentence before it is worded."""

    code: str
    parameters: NotRequired[dict[str, str]]


class Mismatch(TypedDict):
    """One thing in the file that is not as its manifest says."""

    code: str
    parameters: dict[str, str]
    sentence: str


class NotAsked(TypedDict):
    """A way of finding what was signed here, by which a file was not looked for."""

    match: By
    reason: Unasked
    sentence: str


class Origin(TypedDict):
    """Something that was signed here, and that the file resembles."""

    manifest_id: str
    manifest_verdict: Verdict
    title: str | None
    signer: str | None
    signed_at: str
    first_signed_at: str
    match: By
    score: int
    encoder: str | None
    sentence: str
    ledger: LedgerProof
    generators: list[StatedTool]
    model: StatedModel | None
    source_types: list[str]


class ParentFinding(TypedDict):
    """What was found of the manifest a file arrived with."""

    manifest: str | None
    verdict: str
    ancestry: str | None
    codes: list[str]
    sentence: str
    asset: str | None


class Permission(TypedDict):
    """Whether a registered person's face may be looked for in a file."""

    allowed: bool
    reason: str
    rules: Any


class Range(TypedDict):
    """What an answer speaks of: all entries from `first` to before `end`, of the log as it was with `size` entries."""

    first: int
    end: int
    size: int
    checkpoint: NotRequired[str]
    proof: str


class ReasonOutput(TypedDict):
    """What one signal did to the score."""

    code: str
    parameters: dict[str, str]
    points: int
    cap: int | None
    sentence: str


class Recovered(TypedDict):
    """What a file that carries no manifest may be a copy of."""

    looked: Looked
    sentence: str
    candidates: NotRequired[list[Origin]]
    not_asked: NotRequired[list[NotAsked]]


class Recovery(TypedDict):
    """The recovery code, this once."""

    words: str
    qr: str


class Registered(TypedDict):
    """A registration that was made, with all that is shown once."""

    id: str
    account: str
    kind: Kind
    state: str
    created_at: str
    expires_at: str
    region: str | None
    refuses: list[str] | None
    right: str | None
    rules: str | None
    model: str | None
    outdated: bool | None
    consent: Consent | None
    credential_id: str | None
    leaving_at: str | None
    ledger: Ledger
    credential: dict[str, Any] | str | None
    receipt: str
    recovery_code: Recovery


class Registration(TypedDict):
    """A registration, without what its person looks like, of which nothing is told to anybody."""

    id: str
    account: str
    kind: Kind
    state: str
    created_at: str
    expires_at: str
    region: str | None
    refuses: list[str] | None
    right: str | None
    rules: str | None
    model: str | None
    outdated: bool | None
    consent: Consent | None
    credential_id: str | None
    leaving_at: str | None
    ledger: Ledger


class RegistrationRules(TypedDict):
    """The rules of a place."""

    rules: str
    sha256: str
    region: str
    review: str
    registering: Activity
    matching: Activity
    lasts_days: int
    consent: ConsentText
    matching_files_from: Permission | None


class SignerCertificate(TypedDict):
    """The certificate that the claim was signed under."""

    common_name: str | None
    organization: str | None
    issuer: str | None
    serial: str | None
    algorithm: str | None
    not_before: str | None
    not_after: str | None
    revocation: NotRequired[SignerRevocation | None]


class SignerRevocation(TypedDict):
    """That a certificate is revoked."""

    at: str
    since: str
    reason: str


StampStanding = Literal["trusted", "untrusted", "future", "premature", "outside-validity", "mismatched", "unreadable"]


class StatedAction(TypedDict):
    """One action of the manifest."""

    name: str
    source_type: str | None
    when: str | None
    tool: StatedTool | None
    description: str | None
    parameters: str | None


class StatedAuthor(TypedDict):
    """The author's own words."""

    name: str | None
    statement: str | None


class StatedContent(TypedDict):
    """The `org.sigillo.content` assertion."""

    mime: str
    sha256: str
    content_hash: str
    normal_form: str
    decoder: str
    width: int | None
    height: int | None
    duration: int | None
    frames: int
    windows: int


class StatedCreator(TypedDict):
    """The `org.sigillo.creator-signature` assertion: who signed for the work with a key of their own."""

    name: str | None
    verdict: Verdict
    reason: str
    key_sha256: NotRequired[str | None]
    subject: NotRequired[str | None]
    standing: NotRequired[StatedStanding | None]


class StatedLikenessCheck(TypedDict):
    """The `org.sigillo.likeness-check` assertion: that the tool asked before it made this."""

    entry: str
    purpose: str | None
    checked_at: str | None
    token: str | None


class StatedModel(TypedDict):
    """The generative model named in the manifest."""

    name: str
    version: str | None
    provider: str | None


class StatedStanding(TypedDict):
    """How the account whose passkey signed stood when it did, as the platform says that signed the manifest."""

    by: str
    verified: bool
    level: str
    since: str | None


class StatedTool(TypedDict):
    """A piece of software named in the manifest."""

    name: str
    version: str | None


class StatedUse(TypedDict):
    """One entry of the training-mining choice."""

    entry: str
    use: str


class Status(TypedDict):
    """One validation result, verbatim."""

    code: str
    url: str | None
    explanation: str | None


class Statuses(TypedDict):
    """The validation results for the file's own manifest."""

    success: NotRequired[list[Status]]
    informational: NotRequired[list[Status]]
    failure: NotRequired[list[Status]]


Tier = Literal["none", "low", "medium", "high"]


class TimeStamp(TypedDict):
    """An RFC 3161 time-stamp over the claim's signature."""

    time: str | None
    authority: str | None
    trusted: bool
    standing: StampStanding


Unasked = Literal["no-encoder", "no-picture", "faint", "unavailable"]


Use = Literal["sexualised", "political", "commercial", "other", "unsaid"]


Verdict = Literal["trusted", "absent", "untrusted", "unreadable", "invalid"]


class Verification(TypedDict):
    """A report, in plain words too, and where the file stands in this deployment's ledger."""

    verdict: Verdict
    trust: str
    ancestry: NotRequired[Verdict | None]
    label: NotRequired[str | None]
    title: NotRequired[str | None]
    generators: NotRequired[list[StatedTool]]
    signer: NotRequired[SignerCertificate | None]
    time_stamps: NotRequired[list[TimeStamp]]
    statuses: NotRequired[Statuses]
    actions: NotRequired[list[StatedAction]]
    model: NotRequired[StatedModel | None]
    training_mining: NotRequired[list[StatedUse]]
    author: NotRequired[StatedAuthor | None]
    content: NotRequired[StatedContent | None]
    likeness_check: NotRequired[StatedLikenessCheck | None]
    creator_signature: NotRequired[StatedCreator | None]
    ingredients: NotRequired[list[Ingredient]]
    source_types: NotRequired[list[str]]
    truncated: NotRequired[bool]
    sentence: NotRequired[str]
    messages: NotRequired[list[Message]]
    ledger: NotRequired[LedgerProof | None]
    trust_lists: NotRequired[list[ListInForce]]
    recovered: NotRequired[Recovered | None]
    marking: NotRequired[Marking]
    confidence: NotRequired[Confidence | None]
    creator: NotRequired[Creator | None]


Visibility = Literal["public", "unlisted", "private"]
