"""Client -> the capacity of the organisation and its teams, with the jobs that wait for it."""

from baseten_jobs.job.pools import QUEUED, Pool, pools_of
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.observe import jobs_in


def pools(api: Api) -> tuple[Pool, ...]:
    """Limits, use and queue by type of GPU and team, in three calls; raises ApiError."""
    answer, projects = api.capacity(), api.projects()
    waiting = jobs_in(api.search(statuses=list(QUEUED)))
    teams = {row["id"]: row.get("team_name") for row in projects}
    named = ((job, team if isinstance(team := teams.get(job.project_id), str) else None) for job in waiting)
    try:
        return pools_of(answer, named)
    except ValueError as error:
        raise ApiError("GET /v1/training/capacity", str(error)) from None
