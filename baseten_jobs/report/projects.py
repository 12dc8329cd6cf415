"""The projects of a plan -> sentences on those that will be made, and on how the others were read."""

from baseten_jobs.job.request import ProjectRef
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.plan import Plan


def created(made: Plan) -> list[str]:
    """A sentence for each project that apply will make, so that a reader sees a misspelt name."""
    return [_created(ref, made.projects[ref].similar) for ref in made.new_projects]


def _created(ref: ProjectRef, similar: str) -> str:
    there = f"; there is '{one_line(similar)}', if that is meant" if similar else ""
    return f"project '{one_line(str(ref))}' will be created{there}"


def capped(made: Plan) -> list[str]:
    """A sentence for each project whose search was cut, so that only its job list shows which jobs are missing."""
    sentence = "the search ends at {} jobs, so the project's job list alone tells which are not there"
    found = (f"{one_line(p.name)}: {sentence.format(p.capped)}" for p in made.projects.values() if p.capped)
    return list(dict.fromkeys(found))


def contradictory(made: Plan) -> list[str]:
    """A sentence for each contradiction between the search and the job list of a project."""
    notes = (f"{one_line(project.name)}: {note}" for project in made.projects.values() for note in project.notes)
    return list(dict.fromkeys(notes))


def told(plan: Plan) -> list[str]:
    """All that is said of the projects."""
    return [*created(plan), *contradictory(plan), *capped(plan)]
