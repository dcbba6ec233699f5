"""What a service does in workflows (`cases.durable`): where they are kept, who begins them, and who runs them."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final

from api.running.home import Home
from api.running.log import logger
from api.settings import Settings
from cases.durable import Workflows, WorkflowsElsewhereError
from cases.likeness.retroactive import Retroactive

LOOK_BACK: Final = "retroactive"


@dataclass(frozen=True)
class Durable:
    """The workflows of one service; there are none until something is to be done."""

    workflows: Workflows
    retroactive: Retroactive

    def begin(self) -> None:
        """Begin what is to be done, where this process leads. Raises DatabaseUnavailableError."""
        with suppress(WorkflowsElsewhereError):  # the other service of this process has the same database, or its own
            for words in self.retroactive.due():
                self.workflows.begin(LOOK_BACK, "/".join(words[1:]), *words)

    def leave(self) -> None:
        """Another process leads: it goes on."""
        if self.workflows.started:
            self.workflows.pause()


def durable_of(settings: Settings, home: Home, retroactive: Retroactive, until: ExitStack) -> Durable:
    """Beside the tables on PostgreSQL, in a schema of DBOS's own; else in a file of the home folder. They end with
    `until`.
    """
    url = settings.database_url if settings.on_postgresql else f"sqlite:///{home.folder / 'workflows.db'}"
    workflows = Workflows(url, {LOOK_BACK: retroactive.turn}, _failed)
    until.callback(workflows.close)
    return Durable(workflows, retroactive)


def _failed(workflow: str, error: BaseException) -> None:
    logger("workflows").warning("taken again later", workflow=workflow, reason=str(error), kind=type(error).__name__)
