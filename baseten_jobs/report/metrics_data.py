"""Metrics of jobs -> fields for JSON, and rows of CSV."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baseten_jobs.job.metrics import Gpu, Node, Series
from baseten_jobs.job.times import moment
from baseten_jobs.phrases import Page, escaped
from baseten_jobs.provider.measured import Measured
from baseten_jobs.report import job_fields
from baseten_jobs.report.idleness import idle_of
from baseten_jobs.report.style import PLAIN, Look

_FORMULA = ("=", "+", "-", "@")
"""What begins a formula in a spreadsheet."""


def json(every: Sequence[Measured], look: Look = PLAIN) -> Page:
    return job_fields.document({"metrics": [_data(each) for each in every]})


def csv(every: Sequence[Measured], look: Look = PLAIN) -> Page:
    """A line for each value: of which time, job, node and GPU it is, and what it measures, with its unit."""
    lines = ["time,name,job_id,node,gpu,metric,value"]
    for each in every:
        for node, gpu, metric, series in _series(each):
            place = [each.name, each.job.id, node, gpu, metric]
            told = ",".join(map(_quoted, place))
            lines += [f"{moment(at)},{told},{value:.10g}" for at, value in series]
    return Page("\n".join(lines))


def _data(each: Measured) -> Mapping[str, Any]:
    metrics = each.metrics
    return {
        "name": each.name,
        "job": job_fields.job(each.job),
        "from": moment(each.start),
        "to": moment(each.end),
        "step_seconds": each.step,
        "nodes": [_node(node, each) for node in metrics.nodes],
        "cache_bytes": _points(metrics.cache),
        "cache_use": _points(metrics.cache_share),
        **({"error": str(each.trouble)} if each.trouble else {}),
    }


def _node(node: Node, each: Measured) -> Mapping[str, Any]:
    return {
        "node": node.id,
        "gpus": [_gpu(gpu, each) for gpu in node.gpus],
        "cpu_cores": _points(node.cpu),
        "memory_bytes": _points(node.memory),
        "disk_bytes": _points(node.disk),
        "disk_use": _points(node.disk_share),
    }


def _gpu(gpu: Gpu, each: Measured) -> Mapping[str, Any]:
    idle = [{"from": moment(a), "to": moment(b), "seconds": int(b - a)} for a, b in idle_of(gpu, each)]
    return {"gpu": gpu.rank, "use": _points(gpu.use), "memory_bytes": _points(gpu.memory), "idle": idle}


def _points(series: Series) -> list[Mapping[str, Any]]:
    return [{"time": moment(at), "value": value} for at, value in series]


def _series(each: Measured) -> Iterator[tuple[str, str, str, Series]]:
    for node in each.metrics.nodes:
        for gpu in node.gpus:
            yield node.id, gpu.rank, "gpu_use", gpu.use
            yield node.id, gpu.rank, "gpu_memory_bytes", gpu.memory
        yield node.id, "", "cpu_cores", node.cpu
        yield node.id, "", "memory_bytes", node.memory
        yield node.id, "", "disk_bytes", node.disk
        yield node.id, "", "disk_use", node.disk_share
    yield "", "", "cache_bytes", each.metrics.cache
    yield "", "", "cache_use", each.metrics.cache_share


def _quoted(text: str) -> str:
    """A field of CSV (RFC 4180); one that a spreadsheet would take for a formula has an apostrophe before it."""
    text = escaped(text)
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"') else text
