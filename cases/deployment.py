"""Tenants and who acts for them: the home tenant with its operator, and tenants made for others.

Rules
- The operator stands for whoever runs the deployment: a principal of the home tenant with every scope.
- The home tenant is made at the first start. That needs the key store: where it is down, whatever needs the
  operator answers that, and the next request tries again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select

from cases.access import OPERATORS, Caller, principal_row
from cases.decisions import ACCESS_POLICY, OPERATOR_APPOINTED, OperatorAppointed
from keys.clock import Clock, Entropy
from ledger.ids import PrincipalId, TenantId, milliseconds, new_id
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database
from ledger.storage.tables import Principal, PrincipalKind, Tenant
from ledger.storage.tenancy import SystemSession
from provenance.request import Grant
from provenance.vocabulary import DigitalSourceType

HOME_TENANT = "home"
NEW_TENANT = "tenant"
OPERATOR_TOOL = "Sigillo"
"""The tool the operator's own commands name."""


@dataclass
class Deployment:
    """The tenants of one deployment. Safe to call from many threads."""

    ledger: Ledger
    database: Database
    clock: Clock
    entropy: Entropy
    _operator: Caller | None = field(default=None, init=False)

    def operator(self) -> Caller:
        """The operator in the home tenant, made if this is the first time. Raises KeyStoreUnavailableError."""
        if self._operator is None:
            with self.database.alone("operator"):
                self._operator = self._appointed(self._home() or self.ledger.create_tenant(HOME_TENANT))
        return self._operator

    def newcomer(self) -> Caller:
        """The operator's authority in a tenant made for somebody else. Raises KeyStoreUnavailableError."""
        return self._appointed(self.ledger.create_tenant(NEW_TENANT))

    def _home(self) -> TenantId | None:
        with self.database.read(SystemSession.SETUP) as connection:
            return connection.execute(
                select(Tenant.tenant_id).where(Tenant.name == HOME_TENANT).order_by(Tenant.created_at).limit(1)
            ).scalar()

    def _appointed(self, tenant: TenantId) -> Caller:
        """The tenant's operator role; appointed if it has none."""
        with self.database.read(tenant) as connection:
            mine = (Principal.tenant_id == tenant, Principal.kind == PrincipalKind.ROLE)
            found = connection.execute(select(Principal.id).where(*mine)).scalar()
        grant = Grant(OPERATOR_TOOL, frozenset(DigitalSourceType))
        return Caller(tenant, found or self._appoint(tenant), OPERATORS, grant)

    def _appoint(self, tenant: TenantId) -> PrincipalId:
        who = PrincipalId(new_id("prn", self.entropy))
        row = principal_row(tenant, who, milliseconds(self.clock()), PrincipalKind.ROLE)
        system = self.ledger.subjects.system(tenant)
        actor = self.ledger.system_principal(tenant)
        draft = self.ledger.draft(OPERATOR_APPOINTED.name, ACCESS_POLICY, actor, system, OperatorAppointed(who))

        def work(connection: Connection) -> Sequence[Draft]:
            connection.execute(insert(Principal).values(row))
            return [draft]

        self.ledger.record(work, tenant)
        return who
