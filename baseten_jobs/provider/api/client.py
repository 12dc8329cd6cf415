"""One method for each Baseten call that the tool uses."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.answer import Answer
from baseten_jobs.provider.api.caller import Caller
from baseten_jobs.provider.api.errors import ApiError, Broken
from baseten_jobs.provider.api.link import LinkReader
from baseten_jobs.provider.api.route import is_loopback

_FEW_ATTEMPTS = 3
"""For what can be done without: a plan should not wait long for it."""


class Api(Caller):
    """Baseten over one `httpx.Client`, for use by several threads at once. Every method raises ApiError.

    `embedded` says that it is the API within this process, which takes uploads itself.
    """

    @property
    def is_loopback(self) -> bool:
        """Whether the API is on this very machine."""
        return is_loopback(self._http.base_url.host)

    def user(self) -> Mapping[str, Any]:
        """Whose the key is: `email`, `name` and `workspace_name`; an address that may change, says its document."""
        return self._repeat("GET", "/v1/users/me", attempts=_FEW_ATTEMPTS).data or {}

    def projects(self) -> list[dict[str, Any]]:
        """All training projects of the organisation: one call, without pages."""
        return self._repeat("GET", "/v1/training_projects").rows("training_projects", "id", "name")

    def teams(self) -> list[dict[str, Any]]:
        return self._repeat("GET", "/v1/teams").rows("teams", "id", "name")

    def prices(self) -> list[dict[str, Any]]:
        """Each instance type with its price in USD per minute."""
        answer = self._repeat("GET", "/v1/instance_type_prices", attempts=_FEW_ATTEMPTS)
        return answer.rows("instance_types")

    def capacity(self) -> Mapping[str, Any]:
        """Limits and use of GPUs by type, of the organisation and of its teams."""
        return self._repeat("GET", "/v1/training/capacity", attempts=_FEW_ATTEMPTS).data or {}

    def training_bill(self, start: str, end: str) -> list[dict[str, Any]]:
        """What each training job was billed between two times, at most 31 days apart; both in ISO 8601 and in UTC."""
        path = "/v1/billing/usage_summary?start_date={}&end_date={}"
        usage = (self._repeat("GET", path, start, end, attempts=_FEW_ATTEMPTS).data or {}).get("training_usage")
        rows = usage.get("breakdown") if isinstance(usage, dict) else None
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def secrets(self, team_id: str | None = None) -> list[dict[str, Any]]:
        """Secrets by name, never their values: of one team, or of every team that the key belongs to."""
        path, ids = ("/v1/teams/{}/secrets", (team_id,)) if team_id else ("/v1/secrets", ())
        return self._repeat("GET", path, *ids, attempts=_FEW_ATTEMPTS).rows("secrets")

    def upsert_project(self, name: str, team_id: str | None = None) -> dict[str, Any]:
        """Make a project, or get the one of that name; in the organisation's default team without `team_id`."""
        path = "/v1/teams/{}/training_projects" if team_id else "/v1/training_projects"
        ids = (team_id,) if team_id else ()
        answer = self._repeat("POST", path, *ids, body={"training_project": {"name": name}})
        return answer.row("training_project", "id")

    def search(self, **filters: Any) -> list[dict[str, Any]]:
        """Jobs by `project_id` or `job_id`, oldest first: one call, without pages."""
        body = {**filters, "order_by": [{"field": "created_at", "order": "asc"}]}
        return self._repeat("POST", "/v1/training_jobs/search", body=body).rows("training_jobs")

    def search_of(self, project_id: str) -> list[dict[str, Any]]:
        """All jobs of a project, oldest first."""
        return self.search(project_id=project_id)

    def jobs(self, project_id: str) -> list[dict[str, Any]]:
        """The project's own list of its jobs: a second witness beside the search."""
        return self._repeat("GET", "/v1/training_projects/{}/jobs", project_id).rows("training_jobs")

    def job(self, project_id: str, job_id: str) -> dict[str, Any]:
        """A job by its own address: a third witness. The error has the status 404 where the project has no such job."""
        return self._repeat("GET", "/v1/training_projects/{}/jobs/{}", project_id, job_id).row("training_job", "id")

    def logs(
        self,
        project_id: str,
        job_id: str,
        start: int,
        end: int | None,
        limit: int,
        *,
        level: str | None = None,
        newest: bool = False,
    ) -> list[dict[str, Any]]:
        """At most `limit` log lines from `start` on, the oldest or the `newest`, of at least a `level`.

        Both times are in epoch milliseconds; the end is now where none is given. With a level, lines without one are
        left out.
        """
        direction = "desc" if newest else "asc"
        asked = {"direction": direction, "limit": limit, "start_epoch_millis": start, "end_epoch_millis": end}
        path = _asking("/v1/training_projects/{}/jobs/{}/logs", project_id, job_id, {**asked, "min_level": level})
        return self._repeat("GET", *path).rows("logs")

    def checkpoints(self, project_id: str, job_id: str) -> list[dict[str, Any]]:
        answer = self._repeat(
            "GET", "/v1/training_projects/{}/jobs/{}/checkpoints", project_id, job_id, attempts=_FEW_ATTEMPTS
        )
        return answer.rows("checkpoints")

    def checkpoint_files(
        self, project_id: str, job_id: str, page_size: int, page_token: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """A page of the files of all checkpoints on all nodes, each with a presigned link, and the next page's token.

        https://docs.baseten.co/reference/management-api/training-jobs/get-training-job-checkpoint-files
        """
        path = "/v1/training_projects/{}/jobs/{}/checkpoint_files?page_size={}&page_token={}"
        answer = self._repeat("GET", path, project_id, job_id, str(page_size), str(page_token))
        token = (answer.data or {}).get("next_page_token")
        return answer.rows("presigned_urls", "url", "relative_file_name"), token if type(token) is int else None

    def artifacts(self, project_id: str, job_id: str) -> list[str]:
        """Presigned links to what was submitted with a job."""
        answer = self._repeat("GET", "/v1/training_projects/{}/jobs/{}/download", project_id, job_id)
        links = (answer.data or {}).get("artifact_presigned_urls")
        if not isinstance(links, list) or not all(isinstance(link, str) for link in links):
            raise ApiError(answer.call, "the answer holds no list 'artifact_presigned_urls'", answer.status)
        return links

    def link_reader(self) -> LinkReader:
        """Reads the presigned links of answers, over connections that do not know the key; the caller closes it."""
        return LinkReader(
            self._keyless(), near=self.is_loopback, inside=self.embedded, insecure_http=self.insecure_http
        )

    def metrics(self, project_id: str, job_id: str, start: int, step: int, end: int | None = None) -> Mapping[str, Any]:
        """Use of a job's GPUs and more each `step` seconds, between two times in epoch milliseconds; no end is now."""
        asked = {"start_epoch_millis": start, "end_epoch_millis": end, "step_seconds": step}
        path = _asking("/v1/training_projects/{}/jobs/{}/metrics", project_id, job_id, asked)
        return self._repeat("GET", *path, attempts=_FEW_ATTEMPTS).data or {}

    def auth_codes(self, project_id: str, job_id: str) -> list[dict[str, Any]]:
        """The active interactive sessions of a job, with the codes to sign in with."""
        path = "/v1/training_projects/{}/jobs/{}/auth_codes"
        return self._repeat("GET", path, project_id, job_id, attempts=_FEW_ATTEMPTS).rows("auth_codes")

    def extend_session(self, project_id: str, job_id: str, session_id: str, minutes: int) -> None:
        """Add minutes to a session's time; sent once, for a call that is repeated would add them again."""
        path = "/v1/training_projects/{}/jobs/{}/interactive_sessions/{}"
        answer = self._exchange("PATCH", path, project_id, job_id, session_id, body={"timeout_minutes": minutes})
        if not answer.ok:
            raise answer.error()

    def stop(self, project_id: str, job_id: str) -> dict[str, Any]:
        answer = self._repeat("POST", "/v1/training_projects/{}/jobs/{}/stop", project_id, job_id, body={})
        return answer.row("training_job")

    def update(self, project_id: str, job_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Give fields of a job that is still PENDING other values; else the API answers 400."""
        answer = self._repeat("PATCH", "/v1/training_projects/{}/jobs/{}", project_id, job_id, body=changes)
        return answer.row("training_job")

    def upload_credentials(self) -> dict[str, Any]:
        """A fresh place for one archive: `creds` that last a while, `s3_bucket` and `s3_key`."""
        answer = self._repeat("GET", "/v1/blobs/credentials/train")
        data = dict(answer.data or {})
        creds = data.get("creds")
        if not _hold_text(data, "s3_bucket", "s3_key"):
            raise ApiError(answer.call, "the answer names no place to upload to", answer.status)
        if not isinstance(creds, dict) or not _hold_text(creds, *_CREDENTIALS):
            raise ApiError(answer.call, "the answer holds no credentials", answer.status)
        return data

    def put_object(self, bucket: str, key: str, content: bytes, **query: str) -> None:
        """Give the embedded API an object, or one part of it, in the place of S3."""
        self._object_call("PUT", bucket, key, query, content)

    def post_object(self, bucket: str, key: str, **query: str) -> str:
        """Begin or end an upload in parts to the embedded API; its answer, which is XML."""
        return self._object_call("POST", bucket, key, query).text

    def _object_call(
        self, method: str, bucket: str, key: str, query: Mapping[str, str], content: bytes = b""
    ) -> httpx.Response:
        url = f"/_emulator/s3/{quote(bucket, safe='')}/{quote(key)}"
        try:
            response = self._http.request(method, url, params=query, content=content)
        except httpx.HTTPError as error:
            raise Broken(f"{method} {url}", self._reason(error, "the connection broke")) from None
        if not response.is_success:
            raise ApiError(f"{method} {url}", one_line(response.text, 300), response.status_code)
        return response

    def drop_object(self, bucket: str, key: str, **query: str) -> None:
        """Give up an upload in parts to the embedded API."""
        self._object_call("DELETE", bucket, key, query)

    def create_once(self, project_id: str, body: Mapping[str, Any]) -> Answer:
        """Send one create, never repeated: raises NotSent or Broken where no whole answer came."""
        return self._exchange("POST", "/v1/training_projects/{}/jobs", project_id, body=body)

    def recreate_once(self, project_id: str, job_id: str) -> Answer:
        """Have a job made anew with the request that made it; sent once, as a create is."""
        return self._exchange("POST", "/v1/training_projects/{}/jobs/{}/recreate", project_id, job_id, body={})

    def update_once(self, project_id: str, job_id: str, changes: Mapping[str, Any]) -> Answer:
        """What one PATCH of a job is answered with, whatever that is."""
        return self._exchange("PATCH", "/v1/training_projects/{}/jobs/{}", project_id, job_id, body=changes)

    def stop_once(self, project_id: str, job_id: str) -> Answer:
        """What one stop of a job is answered with, whatever that is."""
        return self._exchange("POST", "/v1/training_projects/{}/jobs/{}/stop", project_id, job_id, body={})


def _asking(path: str, project_id: str, job_id: str, query: Mapping[str, Any]) -> tuple[str, ...]:
    """The template of a path with its query, and what it is filled with; what is None is not asked for."""
    given = {name: str(value) for name, value in query.items() if value is not None}
    return (f"{path}?{'&'.join(f'{name}={{}}' for name in given)}", project_id, job_id, *given.values())


_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
"""All are needed: in the place of a missing one an S3 client would take the user's own."""


def _hold_text(data: Mapping[str, Any], *names: str) -> bool:
    return all(isinstance(data.get(name), str) and data[name] for name in names)
