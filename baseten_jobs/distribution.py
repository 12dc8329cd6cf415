"""Where this tool lives, and whether the package index has it -> the words that install, run and link one version."""

from dataclasses import dataclass

from baseten_jobs import __version__

NAME = "baseten-jobs"
PLACEHOLDER = "<owner>"
"""Stands for the owner where nobody knows whose the repository is: no login can be that. In a shell it is quoted."""


@dataclass(frozen=True)
class Distribution:
    """`owner` is that of the repository at GitHub.

    Until a release is `on_index`, everything installs from the repository's tag: else whoever takes the name on the
    package index gets the keys of all who install it.
    """

    owner: str
    on_index: bool
    version: str = __version__

    @property
    def repository(self) -> str:
        return f"https://github.com/{self.owner}/{NAME}"

    @property
    def home(self) -> str:
        """The repository's address, empty where the owner is not known: what reads links would take no placeholder."""
        return "" if self.owner == PLACEHOLDER else self.repository

    @property
    def action(self) -> str:
        return f"{self.owner}/{NAME}/.github/actions/{NAME}@v{self.version}"

    def requirement(self, extra: str = "") -> str:
        """What pip is to install, as one word of a shell, with an extra or without."""
        source = f"=={self.version}" if self.on_index else f" @ git+{self.repository}@v{self.version}"
        extras = f"[{extra}]" if extra else ""
        return f'"{NAME}{extras}{source}"'

    def install(self, extra: str = "") -> str:
        return f"pip install {self.requirement(extra)}"

    @property
    def upgrade(self) -> str:
        """The command that installs the newest version."""
        source = "" if self.on_index else f" @ git+{self.repository}"
        return f'pip install --upgrade "{NAME}{source}"'


OURS = Distribution(owner=PLACEHOLDER, on_index=False)
"""The one place that says both: README, docs, pipelines and messages follow it (`.ci/run golden` writes the first)."""
