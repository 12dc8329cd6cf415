"""The projects of a plan -> sentences on those that will be made, and on what was read of the rest."""

from baseten_jobs.job.request import ProjectRef
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.plan import Plan


def created(made: Plan) -> list[str]:
    """One for each project that apply will make; another one of a similar name may have been meant."""
    return [_created(ref, made.projects[ref].similar) for ref in made.new_projects]


def _created(ref: ProjectRef, similar: str) -> str:
    there = f"; there is '{one_line(similar)}', if that is meant" if similar else ""
    return f"project '{one_line(str(ref))}' will be created{there}"


def capped(made: Plan) -> list[str]:
    """One for each project whose search ended early, so that its job list alone tells which jobs are not there."""
    sentence = "the search ends at {} jobs, so the project's job list alone tells which are not there"
    found = (f"{one_line(p.name)}: {sentence.format(p.capped)}" for p in made.projects.values() if p.capped)
    return list(dict.fromkeys(found))


def contradictory(made: Plan) -> list[str]:
    """One for each thing that search and job list of a project contradict each other in."""
    notes = (f"{one_line(project.name)}: {note}" for project in made.projects.values() for note in project.notes)
    return list(dict.fromkeys(notes))
