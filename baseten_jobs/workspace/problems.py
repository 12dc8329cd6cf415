"""What is wrong with one workspace -> diagnostics at the place where a manifest names it."""

from dataclasses import dataclass, field

from baseten_jobs.manifest.diagnostics import Diagnostic, FieldPath, Severity, field_name
from baseten_jobs.manifest.document import Document

_AT: FieldPath = ("spec", "workspace")


@dataclass
class Remarks:
    """The diagnostics of one workspace, in the order in which they were found."""

    document: Document
    found: list[Diagnostic] = field(default_factory=list)

    def error(self, rule: str, message: str, hint: str = "", at: FieldPath = ()) -> None:
        """An error at a field of the workspace, or at the workspace where that field is not written."""
        self._tell(rule, message, hint, at, Severity.ERROR)

    def warn(self, rule: str, message: str, hint: str = "", at: FieldPath = ()) -> None:
        """The same as a warning."""
        self._tell(rule, message, hint, at, Severity.WARNING)

    def _tell(self, rule: str, message: str, hint: str, at: FieldPath, severity: Severity) -> None:
        path = (*_AT, *at) if at and self.document.written((*_AT, *at)) else _AT
        of_key = self.document.written(path) is None
        position = self.document.position(path, of_key=of_key)
        self.found.append(Diagnostic(rule, message, position, field_name(path), hint, severity))

    @property
    def failed(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.found)
