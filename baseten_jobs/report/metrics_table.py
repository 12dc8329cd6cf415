"""Metrics of jobs -> a table of their last values, and one line of them."""

from collections.abc import Sequence

from baseten_jobs.job.metrics import Gpu, Node, Series
from baseten_jobs.job.observation import short
from baseten_jobs.job.times import moment
from baseten_jobs.phrases import Page, human, one_line, page
from baseten_jobs.provider.measured import Measured
from baseten_jobs.report.idleness import idle_of, total
from baseten_jobs.report.style import PLAIN, Look
from baseten_jobs.report.table import table

_GPU_HEADS = ("NODE", "GPU", "USE", "MEAN", "LOWEST", "HIGHEST", "MEMORY", "IDLE")
_NODE_HEADS = ("NODE", "CPU", "MEMORY", "DISK", "CACHE")


def metrics(every: Sequence[Measured], look: Look = PLAIN) -> Page:
    """For each job a row for each GPU, with its last value and those of the whole span, and a row for each node."""
    lines: list[str] = []
    for each in every:
        lines += ["", *heading(each)] if lines else heading(each)
        if each.metrics.empty:
            continue
        gpus = [_gpu_row(node, gpu, each) for node in each.metrics.nodes for gpu in node.gpus]
        lines += ["", *table(_GPU_HEADS, gpus, look, drop=("LOWEST", "HIGHEST"))] if gpus else []
        cache = disk(each.metrics.cache, each.metrics.cache_share) if each.metrics.cache else ""
        nodes = [_node_row(node, "" if n else cache) for n, node in enumerate(each.metrics.nodes)]
        lines += ["", *table(_NODE_HEADS, nodes, look)]
    return page(lines)


def heading(each: Measured) -> list[str]:
    """What job it is, how it is, and of which time the metrics are; or why there are none."""
    job = each.job
    gpus = f"  {job.gpus} {one_line(job.gpu_type or 'GPUs', 20)}" if job.gpus else ""
    first = f"{each.name}  {one_line(short(job.status), 20)}{gpus}  job {one_line(job.id, 40)}"
    if each.trouble:
        return [first, f"    metrics can't be read: {one_line(str(each.trouble), 300)}"]
    if each.metrics.empty:
        return [first, f"    no metrics from {_minute(each.start)} to {_minute(each.end)}"]
    return [first, f"{_minute(each.start)} to {_minute(each.end)} UTC, a sample each {each.step}s"]


def line(each: Measured) -> str:
    """The last values of a job in one line."""
    uses = [gpu.use[-1][1] for gpu in each.metrics.gpus if gpu.use]
    parts = [f"GPU use {sum(uses) / len(uses):.0%} (lowest {min(uses):.0%})"] if uses else []
    nodes = each.metrics.nodes
    for name, series in (
        ("GPU memory", [gpu.memory for gpu in each.metrics.gpus]),
        ("memory", [node.memory for node in nodes]),
        ("disk", [node.disk for node in nodes]),
    ):
        values = [one[-1][1] for one in series if one]
        parts += [f"{name} {human(int(sum(values)))}"] if values else []
    cores = [node.cpu[-1][1] for node in nodes if node.cpu]
    parts += [f"CPU {sum(cores):.1f} cores"] if cores else []
    return f"{moment(each.end)}  {each.name}  {', '.join(parts) or 'no metrics'}"


def percent(series: Series) -> str:
    return f"{series[-1][1]:.0%}" if series else "-"


def size(series: Series) -> str:
    return human(int(series[-1][1])) if series else "-"


def cores(series: Series) -> str:
    return f"{series[-1][1]:.1f} cores" if series else "-"


def disk(used: Series, share: Series) -> str:
    return f"{size(used)} ({percent(share)})" if used and share else size(used)


def _gpu_row(node: Node, gpu: Gpu, each: Measured) -> tuple[str, ...]:
    values = [value for _, value in gpu.use]
    shown = (sum(values) / len(values), min(values), max(values)) if values else ()
    spread = tuple(f"{value:.0%}" for value in shown) or ("-", "-", "-")
    idle = total(idle_of(gpu, each))
    return one_line(node.id, 40), one_line(gpu.rank, 10), percent(gpu.use), *spread, size(gpu.memory), idle


def _node_row(node: Node, cache: str) -> tuple[str, ...]:
    return one_line(node.id, 40), cores(node.cpu), size(node.memory), disk(node.disk, node.disk_share), cache


def _minute(at: float) -> str:
    return moment(at)[:16].replace("T", " ")
