"""Logs and metrics, each by GET and by the deprecated POST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from .. import bodies, incoming, jobs, logs, metrics
from ..core import core
from ..errors import not_valid
from ..lifecycle import ran, worked
from ..shapes import instance_of
from ..times import DAY, MINUTE, SECOND, micros

blueprint = Blueprint("telemetry", __name__)

_JOB = "/v1/training_projects/<project_id>/jobs/<job_id>"
_MILLI = 1000
_MOST_LINES = 1000
_DEFAULT_LINES = 500
_LOG_WINDOW = 30 * MINUTE
_LONGEST_LOG_WINDOW = 7 * DAY
_DEFAULT_POINTS = 100
_MOST_POINTS = 11_000


@blueprint.get(f"{_JOB}/logs")
def get_logs(project_id: str, job_id: str) -> dict[str, Any]:
    asked = incoming.query(bodies.LOGS, "start_epoch_millis", "end_epoch_millis", "limit")
    return _logs(project_id, job_id, asked)


@blueprint.post(f"{_JOB}/logs")
def post_logs(project_id: str, job_id: str) -> dict[str, Any]:
    return _logs(project_id, job_id, incoming.body(bodies.LOGS))


@blueprint.get(f"{_JOB}/metrics")
def get_metrics(project_id: str, job_id: str) -> dict[str, Any]:
    asked = incoming.query(bodies.METRICS, "start_epoch_millis", "end_epoch_millis", "step_seconds")
    return _metrics(project_id, job_id, asked)


@blueprint.post(f"{_JOB}/metrics")
def post_metrics(project_id: str, job_id: str) -> dict[str, Any]:
    return _metrics(project_id, job_id, incoming.body(bodies.METRICS))


def _logs(project_id: str, job_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id, project_id)
        query = _log_query(asked, transaction.now)
        lines = logs.lines(job, jobs.body(transaction, job.id), transaction.now, query)
        return {"logs": [line.shown() for line in lines]}


def _log_query(asked: Mapping[str, Any], now: int) -> logs.Query:
    limit = asked.get("limit")
    if limit is not None and not 1 <= limit <= _MOST_LINES:
        raise not_valid(f"limit: {limit} is not from 1 to {_MOST_LINES}")
    end = _micros(asked.get("end_epoch_millis"), now)
    start = _micros(asked.get("start_epoch_millis"), end - _LOG_WINDOW)
    if start > end:
        raise not_valid("start_epoch_millis: the start lies behind the end")
    if end - start > _LONGEST_LOG_WINDOW:
        raise not_valid("start_epoch_millis: the window is longer than 7 days")
    return logs.Query(
        start_us=start,
        end_us=end,
        limit=_DEFAULT_LINES if limit is None else limit,
        # No source gives the default order; newest first makes a short limit show the present.
        newest_first=asked.get("direction") != "asc",
        min_level=asked.get("min_level"),
        every_us=max(1, micros(core().settings.durations.line)),
    )


def _metrics(project_id: str, job_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    with core().reading() as transaction:
        job = jobs.find(transaction, job_id, project_id)
        body = jobs.body(transaction, job.id)
        window, working = ran(job, transaction.now), worked(job, transaction.now)
        end = _micros(asked.get("end_epoch_millis"), transaction.now)
        start = _micros(asked.get("start_epoch_millis"), min(end, window.start_us if window else end))
        sampling = metrics.Sampling.over(window, working, start, end, _step(asked.get("step_seconds"), start, end))
        instance = instance_of(job)
        nodes = [metrics.node_metrics(job.id, instance, rank, sampling) for rank in range(job.node_count)]
        cache_config = body.get("runtime", {}).get("cache_config") or {}
        return {
            **nodes[0],
            "training_job": core().view(transaction).job(job),
            "cache": metrics.cache_metrics(job.id, sampling) if cache_config.get("enabled") else None,
            "per_node_metrics": [
                {"node_id": metrics.node_id(rank), "metrics": node} for rank, node in enumerate(nodes)
            ],
        }


def _step(asked: int | None, start: int, end: int) -> int:
    if start > end:
        raise not_valid("start_epoch_millis: the start lies behind the end")
    if asked is None:
        return max(1, -(-(end - start) // (_DEFAULT_POINTS * SECOND))) * SECOND
    if asked < 1:
        raise not_valid(f"step_seconds: {asked} is less than 1")
    if (end - start) // (asked * SECOND) > _MOST_POINTS:
        raise not_valid(f"step_seconds: {asked} gives more than {_MOST_POINTS} points for this window")
    return asked * SECOND


def _micros(millis: int | None, default: int) -> int:
    return default if millis is None else millis * _MILLI
