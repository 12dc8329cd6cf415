"""Paths -> requests and diagnostics: what `validate` and `render` need, without a word to the network."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from baseten_jobs.manifest.chains.entries import chained
from baseten_jobs.manifest.chains.links import Chains
from baseten_jobs.manifest.diagnostics import Diagnostic, Severity, has_errors, in_order, made_strict, worst
from baseten_jobs.manifest.document import Document, DocumentPlace, Loaded
from baseten_jobs.manifest.folder_policies.files import FolderPolicies, policies_over
from baseten_jobs.manifest.folder_policies.marks import is_policy
from baseten_jobs.manifest.own_sources import read_ours
from baseten_jobs.manifest.rules import errors
from baseten_jobs.manifest.rules.confusable_projects import check_lookalikes
from baseten_jobs.manifest.said_once import said_once
from baseten_jobs.manifest.schema import check
from baseten_jobs.manifest.schema.fields import DEFAULTS
from baseten_jobs.manifest.sources import Sources

if TYPE_CHECKING:
    from baseten_jobs.job.content import Content
    from baseten_jobs.job.request import CompiledManifest, JobRequest
    from baseten_jobs.manifest.folder_policies.chain import CostLimit
    from baseten_jobs.manifest.inputs import Inputs
    from baseten_jobs.manifest.name_globs import Unmet


@dataclass(frozen=True)
class CheckedManifest:
    """A document, and what its workspace holds; None where it has none, or where that can't be told."""

    document: Document
    content: Content | None = None


@dataclass(frozen=True)
class Checked:
    """Every manifest that was read, all that is wrong with any of them, and the Policies that hold for them.

    `chains` say which load checkpoints of which, `elsewhere` are those of them that no path names. `passed` are the
    places in folders where others' YAML stands, which was passed over.
    """

    manifests: tuple[CheckedManifest, ...]
    diagnostics: tuple[Diagnostic, ...]
    policies: FolderPolicies = field(default_factory=FolderPolicies)
    chains: Chains = field(default_factory=Chains)
    elsewhere: tuple[CheckedManifest, ...] = ()
    passed: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        return not has_errors(self.diagnostics)

    @property
    def documents(self) -> tuple[Document, ...]:
        return tuple(each.document for each in self.manifests)


@dataclass(frozen=True)
class Compiled:
    """The manifests with their requests; there are none where a diagnostic is an error.

    `cost_limits` has what each job of a manifest file may cost, by its path, where a Policy limits that. `upstreams`
    are manifests that were not asked for; these may load checkpoints of their jobs. `passed` are the places in folders
    where others' YAML stands.
    """

    manifests: tuple[CompiledManifest, ...]
    diagnostics: tuple[Diagnostic, ...]
    cost_limits: Mapping[str, CostLimit] = field(default_factory=dict)
    upstreams: tuple[CompiledManifest, ...] = ()
    passed: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        return not has_errors(self.diagnostics)

    @property
    def documents(self) -> tuple[Document, ...]:
        return tuple(each.document for each in self.manifests)

    @property
    def requests(self) -> tuple[JobRequest, ...]:
        return tuple(each.request for each in self.manifests)

    @property
    def loaded(self) -> tuple[CompiledManifest, ...]:
        """Those of `upstreams` whose jobs' checkpoints the manifests load."""
        if not self.upstreams:
            return ()
        wanted = {(up.project, up.name) for request in self.requests for up in request.upstreams}
        return tuple(each for each in self.upstreams if (each.request.project, each.request.name) in wanted)

    @property
    def allowances(self) -> tuple[str, ...]:
        """A note for each rule that a manifest breaks because it allows itself to."""
        notes = (d for d in self.diagnostics if d.severity is Severity.NOTE)
        return tuple(dict.fromkeys(f"{d.position}: {d.field}: allowed here: {d.rule}" for d in notes))

    def named(self, given: Sequence[str]) -> tuple[Compiled, tuple[Unmet, ...]]:
        """Only the manifests that these NAMEs mean, and why some of them mean none."""
        from baseten_jobs.manifest.name_globs import means, unmet

        known = [request.name for request in self.requests]
        meant = {name for name in known if any(means(each, name) for each in given)}
        kept = tuple(each for each in self.manifests if each.request.name in meant)
        others = tuple(each for each in self.manifests if each.request.name not in meant)
        only = replace(self, manifests=kept, upstreams=(*self.upstreams, *others))
        return only, tuple(no for each in given if (no := unmet(each, known)))

    def ambiguous(self, given: Sequence[str]) -> str:
        """One of these NAMEs that is the name of several manifests, with their places; empty if none is."""
        for name in given:
            places = [f"{r.path}:{r.line}" for r in self.requests if r.name == name]
            if len(places) > 1:
                return f"'{name}' ({', '.join(places)})"
        return ""


def validate(inputs: Inputs, stdin: BinaryIO, *, only_ours: bool = False) -> Checked:
    """All diagnostics of all files: what the schema says of each document, and the rules of the rest of it.

    What is no manifest in a folder is passed over; with `only_ours` in a file that was named, too.
    """
    read, loaded = read_ours(inputs.paths, stdin, named=only_ours, ignored=_ignored)
    written = tuple(d for one in loaded for d in one.documents if not is_policy(d.data))
    policies = _policies(inputs, read, loaded)
    diagnostics = list(policies.diagnostics)
    documents, unfit, misfits = _manifests(written, inputs, policies)
    diagnostics += misfits
    unread = {d.position.path for one in loaded for d in one.diagnostics}
    sound, faults = [], list[tuple[Document, Diagnostic]]()
    for document in documents:
        over, found = policies.over(document.path), check.check(document)
        if found:
            from baseten_jobs.manifest.folder_policies.written import of_manifest

            found = of_manifest(document, found)
        told = (*found, *policies.judged(document, errors.check(document, found)))
        if over is not None:
            told = (*told, *over.denied(document), *(() if found else over.beyond(document)))
        faults += ((document, each) for each in told)
        sound += [] if found or document.path in unread else [document]
    chains = _chains(documents, inputs, read)
    contents, of_trees = _packed(sound, inputs.allowed, policies)
    faults += _of_commands(sound, contents, policies)
    diagnostics += said_once((*faults, *chains.faults), documents)
    diagnostics += (*errors.check_unique(documents), *check_lookalikes(documents))
    further, of_others = _packed(chains.elsewhere, inputs.allowed, policies)
    diagnostics += (*of_trees, *(d for d in of_others if d.severity is Severity.ERROR))
    ordered = in_order(made_strict(diagnostics) if inputs.strict else diagnostics)
    checked = tuple(CheckedManifest(each, contents.get(each.place)) for each in (*documents, *unfit))
    elsewhere = tuple(CheckedManifest(each, further.get(each.place)) for each in chains.elsewhere)
    return Checked(checked, ordered, policies, chains, elsewhere, read.passed)


def _chains(documents: Sequence[Document], inputs: Inputs, read: Sources) -> Chains:
    """Which manifests load checkpoints of which; what lies around the paths is read only if a name is not found."""
    if not any(chained(document.data) for document in documents):
        return Chains()
    from baseten_jobs.manifest.chains.files import around
    from baseten_jobs.manifest.chains.resolution import resolved

    def beside() -> tuple[Sequence[Document], Sequence[Document]]:
        found = around(inputs.paths, [source.given for source in read.sources], _ignored)
        return found.documents, found.broken

    def sound(document: Document) -> bool:
        return not has_errors((*(found := check.check(document)), *errors.check(document, found)))

    return resolved(documents, beside, sound)


def _manifests(
    documents: tuple[Document, ...], inputs: Inputs, policies: FolderPolicies
) -> tuple[tuple[Document, ...], tuple[Document, ...], Sequence[Diagnostic]]:
    """What documents come to with what they extend, and expanded; those that can't, and why.

    Overrides are laid over what comes out.
    """
    diagnostics: list[Diagnostic] = []
    unfit: tuple[Document, ...] = ()
    if any(map(_inherits, documents)):
        from baseten_jobs.manifest.defaults.files import from_disk
        from baseten_jobs.manifest.defaults.inheritance import check_base, inherited, unused

        whole = inherited(documents, from_disk)
        documents, unfit = whole.documents, whole.unfit
        diagnostics += whole.diagnostics
        for document, unread in unused(whole, inputs.paths):
            diagnostics += policies.judged(document, (unread,))
        diagnostics += (each for document in whole.defaults for each in check_base(document))
    if any(document.templated or _has_matrix(document) for document in documents):
        from baseten_jobs.manifest.matrix.expansion import expanded

        made = expanded(documents)
        documents, unfit = made.documents, (*unfit, *made.unfit)
        diagnostics += made.diagnostics
    if inputs.overrides:
        from baseten_jobs.manifest.overrides import laid_over

        documents, misfits = laid_over(documents, inputs.overrides)
        diagnostics += misfits
    return documents, unfit, diagnostics


def _inherits(document: Document) -> bool:
    return isinstance(document.data, dict) and ("extends" in document.data or document.data.get("kind") == DEFAULTS)


def _has_matrix(document: Document) -> bool:
    return isinstance(document.data, dict) and "matrix" in document.data


def _policies(inputs: Inputs, read: Sources, loaded: Sequence[Loaded]) -> FolderPolicies:
    """The Policies that hold, and all that is wrong with files; no Policy where none counts."""
    told = (*read.diagnostics, *(d for one in loaded for d in one.diagnostics))
    if not inputs.governed:
        return FolderPolicies({}, told)
    return policies_over(inputs.paths, tuple(zip(read.sources, loaded, strict=True)), told)


def _ignored(found: Mapping[str, Sequence[str]]) -> Collection[str]:
    from baseten_jobs.git.ignored import ignored_of

    return ignored_of(found)


def _packed(
    sound: Sequence[Document], allowed: tuple[str, ...], policies: FolderPolicies
) -> tuple[Mapping[DocumentPlace, Content], tuple[Diagnostic, ...]]:
    """What the workspaces hold, by the place of their document, where any document has one."""
    having = [document for document in sound if document.data["spec"].get("workspace") is not None]
    if not having:
        return {}, ()
    from baseten_jobs.workspace.pack import pack

    packed = pack(having, allowed)
    judged = (policies.judged(each, packed.diagnostics[each.place]) for each in having)
    return packed.contents, worst(d for found in judged for d in found)


def _of_commands(
    sound: Sequence[Document], contents: Mapping[DocumentPlace, Content], policies: FolderPolicies
) -> Iterator[tuple[Document, Diagnostic]]:
    from baseten_jobs.workspace.start_commands import check_commands

    return ((at, each) for at, found in check_commands(sound, contents) for each in policies.judged(at, found))


def compile_all(inputs: Inputs, stdin: BinaryIO) -> Compiled:
    """Validated and, if nothing is wrong anywhere, compiled to requests."""
    checked = validate(inputs, stdin)
    if not checked.valid:
        return Compiled((), checked.diagnostics, passed=checked.passed)
    made = _compiled(checked)
    manifests = tuple(made[each.document.place] for each in checked.manifests)
    upstreams = tuple(made[each.document.place] for each in checked.elsewhere)
    return Compiled(manifests, checked.diagnostics, checked.policies.cost_limits, upstreams, checked.passed)


def compile_sound(inputs: Inputs, stdin: BinaryIO) -> Compiled:
    """Only the manifests with which nothing is wrong, whatever is wrong with others; the diagnostics are of all.

    One of two manifests that can't be told apart is not sound, nor is one that loads from one that is not.
    """
    checked = validate(inputs, stdin)
    wrong = {d.position.path for d in checked.diagnostics if d.severity is Severity.ERROR}
    every = (*checked.manifests, *checked.elsewhere)
    faulty = {each.document.place for each in every if each.document.path in wrong or wrong & set(each.document.bases)}
    named = {_named(each.document) for each in every if each.document.place in faulty}
    faulty |= {each.document.place for each in every if _named(each.document) in named}
    while more := {at for at, links in checked.chains.links.items() if {each.to for each in links} & faulty} - faulty:
        faulty |= more
    manifests = tuple(each for each in checked.manifests if each.document.place not in faulty)
    elsewhere = tuple(each for each in checked.elsewhere if each.document.place not in faulty)
    made = _compiled(replace(checked, manifests=manifests, elsewhere=elsewhere))
    return Compiled(tuple(made[each.document.place] for each in manifests), checked.diagnostics, passed=checked.passed)


def _named(document: Document) -> object:
    metadata = document.data.get("metadata") if isinstance(document.data, dict) else None
    return metadata.get("name") if isinstance(metadata, dict) else None


def _compiled(checked: Checked) -> Mapping[DocumentPlace, CompiledManifest]:
    """Every manifest, after those whose checkpoints it loads: their digests are part of its own."""
    from baseten_jobs.job.request import compiled

    every = {each.document.place: each for each in (*checked.manifests, *checked.elsewhere)}
    links = checked.chains.links
    made: dict[DocumentPlace, CompiledManifest] = {}
    for place in checked.chains.upstream_first(tuple(every)) if links else every:
        loaded = {link.entry.number: made[link.to].request for link in links.get(place, ())}
        made[place] = compiled(every[place].document, every[place].content, loaded)
    return made
