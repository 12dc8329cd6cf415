"""Requests -> the manifests that they were compiled from, with their Defaults and values filled in, as YAML."""

from collections.abc import Iterable

from baseten_jobs.importing.yaml_writer import document_text
from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.defaults.merge import without_nulls
from baseten_jobs.phrases import Page, page
from baseten_jobs.report.text import place


def manifests(compiled: Iterable[JobRequest]) -> Page:
    """One document for each, below a comment with the place of its manifest."""
    documents = (f"{page([f'# {place(r)}'])}\n{document_text(without_nulls(r.manifest))}" for r in compiled)
    return Page("---\n".join(documents).rstrip("\n"))
