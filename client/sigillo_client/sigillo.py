"""Everything that can be asked of a server, one method an endpoint; what is alike stands in one module."""

from __future__ import annotations

from sigillo_client.accounts import Accounts
from sigillo_client.assets import Assets
from sigillo_client.credentials import Credentials
from sigillo_client.custody import Custody
from sigillo_client.likeness import Likeness
from sigillo_client.log import Log
from sigillo_client.operation import Operation
from sigillo_client.registrations import Registrations
from sigillo_client.trust import Trust


class Sigillo(Assets, Custody, Log, Likeness, Registrations, Accounts, Credentials, Trust, Operation):
    """A connection to one server. Use it as a context manager; bodies are the API's own JSON
    (docs/api.md), and what the principal answers hold is in `sigillo_client.answers`.
    """
