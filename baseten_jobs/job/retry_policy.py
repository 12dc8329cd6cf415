"""`policy.retry` of a manifest -> which ends are retried, how often, how soon, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baseten_jobs.manifest.durations import LONGEST, seconds_of
from baseten_jobs.manifest.schema.fields import shape_of

_STATUS = "TRAINING_JOB_"


@dataclass(frozen=True)
class RetryPolicy:
    """`when` has the statuses of the API that are retried; `delay` is in seconds, before the first retry."""

    limit: int
    when: frozenset[str]
    from_checkpoint: bool
    delay: int

    def delay_after(self, retries: int) -> int:
        """Seconds between the end of a run and the next retry, after so many retries; ten years at most."""
        return min(self.delay << min(retries, LONGEST.bit_length()), LONGEST)


def retry_policy(policy: Mapping[str, Any], api_version: str) -> RetryPolicy | None:
    """Returns what a manifest's policy says of retries, with the schema's defaults; None if it says nothing."""
    written = policy.get("retry")
    if written is None:
        return None
    fields = shape_of(api_version).properties["policy"].properties["retry"].properties
    given = {
        name: default if (value := written.get(name)) is None else value
        for name, field in fields.items()
        for default in [field.schema["default"]]
    }
    when = frozenset(f"{_STATUS}{end.upper()}" for end in given["when"])
    return RetryPolicy(given["limit"], when, given["from_checkpoint"], seconds_of(given["delay"]) or 0)
