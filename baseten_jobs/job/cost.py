"""Requests + price list -> what jobs cost while they run: nodes x USD per minute x 60."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import fsum
from typing import Any

from baseten_jobs.job.request import JobRequest
from baseten_jobs.manifest.normalisation import bytes_of
from baseten_jobs.phrases import listed

_MEBIBYTE = 2**20
_CPUS, _MEMORY = 1, "2Gi"
"""What a job gets of each where its spec does not set it: the defaults of the create call."""

_UNKNOWN = "price not known"


@dataclass(frozen=True, order=True)
class Machine:
    """An instance type on offer, which is one node; ordered by size. A CPU machine has no `gpu_type`."""

    millicpu: int
    memory_mib: int
    usd_per_minute: float
    gpus: int = 0
    gpu_type: str = ""

    def fits(self, compute: Mapping[str, Any]) -> bool:
        """True if a node of this `compute` runs on this machine: equal GPUs, and enough CPUs and memory."""
        accelerator = compute.get("accelerator") or {"accelerator": "", "count": 0}
        if self.gpus != accelerator["count"] or not same_gpu(self.gpu_type, accelerator["accelerator"]):
            return False
        memory = _bytes(str(compute.get("memory", _MEMORY)))
        return (
            self.millicpu >= compute.get("cpu_count", _CPUS) * 1000
            and memory is not None
            and self.memory_mib * _MEBIBYTE >= memory
        )


_bytes = lru_cache(bytes_of)
"""Remembered, because every job is compared with every machine, and many ask for the same memory."""


def same_gpu(one: str, other: str) -> bool:
    """True if both are one GPU type: the API writes `A100-40GB` in one place and `A100_40GB` in another."""
    return gpu_key(one) == gpu_key(other)


def gpu_key(gpu_type: str) -> str:
    return gpu_type.replace("-", "_").upper()


def price_list(rows: Iterable[Mapping[str, Any]]) -> tuple[Machine, ...]:
    """The machines of `GET /v1/instance_type_prices`, whose `price` is in USD per minute.

    A row is left out if it has no price, or one that can't be right, such as 0: no machine is free.
    """
    machines = (_machine(row.get("instance_type"), row.get("price")) for row in rows)
    return tuple(machine for machine in machines if machine is not None)


_DEAREST = 1e9
"""USD per minute that no machine costs; a whole number may be too large to be a price at all."""


def _machine(instance: object, price: object) -> Machine | None:
    if not isinstance(instance, dict) or not isinstance(price, (int, float)) or isinstance(price, bool):
        return None
    sizes = [instance.get(name) for name in ("millicpu_limit", "memory_limit_mib", "gpu_count")]
    millicpu, memory, gpus = (size if isinstance(size, int) else -1 for size in sizes)
    gpu_type = instance.get("gpu_type") or ""
    if min(millicpu, memory, gpus) < 0 or not isinstance(gpu_type, str) or not 0 < price < _DEAREST:
        return None
    return Machine(millicpu, memory, float(price), gpus, gpu_type if gpus else "")


@dataclass(frozen=True)
class Cost:
    """The size of one job, and its price in USD per hour, to the cent; None where the price is not known.

    `gpus` and `cpus` count those of one node. Of a job with GPUs only `gpus` is shown, of any other only `cpus`.
    """

    nodes: int
    gpus: int
    gpu_type: str
    cpus: int
    usd_per_hour: float | None = None

    @classmethod
    def unknown(cls, nodes: int | None) -> "Cost":
        """The cost of a job whose size is not known either."""
        return cls(nodes or 1, 0, "", 0)

    @property
    def formula(self) -> str:
        """`2 x 8 H100`: nodes, and what each has."""
        cpus = f"{self.cpus} CPU" if self.cpus else "CPU"
        return f"{self.nodes} x " + (f"{self.gpus} {self.gpu_type}" if self.gpu_type else cpus)

    def __str__(self) -> str:
        price = _UNKNOWN if self.usd_per_hour is None else per_hour(self.usd_per_hour)
        return f"{self.formula} · {price}"


def usd_of(cost: Cost | None) -> float | None:
    """USD per hour; None where the cost, or its price, is not known."""
    return cost.usd_per_hour if cost else None


def per_hour(usd: float) -> str:
    return f"${usd:,.2f}/h"


def cost_of(request: JobRequest, machines: Iterable[Machine]) -> Cost:
    """Returns the cost of a job on the smallest machine with the GPUs that it asks for and enough CPUs and memory."""
    compute: Mapping[str, Any] = request.training_job.get("compute", {})
    accelerator = compute.get("accelerator") or {"accelerator": "", "count": 0}
    machine = min((each for each in machines if each.fits(compute)), default=None)
    return Cost(
        request.nodes,
        accelerator["count"],
        accelerator["accelerator"],
        0 if accelerator["count"] else compute.get("cpu_count", _CPUS),
        None if machine is None else round(request.nodes * machine.usd_per_minute * 60, 2),
    )


def cost_of_gpus(nodes: int, gpus: int, gpu_type: str, machines: Iterable[Machine]) -> Cost:
    """Returns the cost of `nodes` nodes with so many GPUs each, on the smallest machine that has them."""
    alike = (each for each in machines if each.gpus == gpus and same_gpu(each.gpu_type, gpu_type))
    machine = min(alike, default=None)
    return Cost(nodes, gpus, gpu_type, 0, None if machine is None else round(nodes * machine.usd_per_minute * 60, 2))


@dataclass(frozen=True)
class Share:
    """All jobs of one GPU type, or those without GPUs; the price is None where that of one job is not known."""

    gpu_type: str
    nodes: int
    gpus: int
    usd_per_hour: float | None


@dataclass(frozen=True)
class Bill:
    """The costs of several jobs, each with its name."""

    costs: tuple[tuple[str, Cost], ...] = ()

    @property
    def priced(self) -> float:
        """The sum in USD per hour over the jobs whose price is known."""
        return _sum(cost for _, cost in self.costs)

    @property
    def unpriced(self) -> tuple[str, ...]:
        return tuple(name for name, cost in self.costs if cost.usd_per_hour is None)

    @property
    def usd_per_hour(self) -> float | None:
        """The sum in USD per hour over all jobs; None where the price of one is not known, for that one is not free."""
        return None if self.unpriced else self.priced

    @property
    def shares(self) -> tuple[Share, ...]:
        return tuple(
            Share(
                costs[0].gpu_type,
                sum(cost.nodes for cost in costs),
                sum(cost.nodes * cost.gpus for cost in costs),
                None if any(cost.usd_per_hour is None for cost in costs) else _sum(costs),
            )
            for costs in self._by_gpu()
        )

    @property
    def formula(self) -> str:
        """`3 x 8 H100 + 1 x 16 CPU`: nodes of one size added up."""
        sizes = [size for costs in self._by_gpu() for size in _grouped(costs, lambda cost: (cost.gpus, cost.cpus))]
        return " + ".join(replace(costs[0], nodes=sum(cost.nodes for cost in costs)).formula for costs in sizes)

    def and_also(self, other: "Bill") -> "Bill":
        """A bill for the jobs of both."""
        return Bill((*self.costs, *other.costs))

    @property
    def price(self) -> str:
        """The sum in words: `$31.97/h`, `at least $31.97/h` where some prices are not known, or that none is."""
        if not self.unpriced:
            return per_hour(self.priced)
        return _UNKNOWN if len(self.unpriced) == len(self.costs) else f"at least {per_hour(self.priced)}"

    def _by_gpu(self) -> Iterable[list[Cost]]:
        return _grouped((cost for _, cost in self.costs), lambda cost: gpu_key(cost.gpu_type))

    def __str__(self) -> str:
        partly = self.unpriced and len(self.unpriced) < len(self.costs)
        without = f"; no price is known of {listed(self.unpriced)}" if partly else ""
        return f"{self.formula} · {self.price}{without}"


def _grouped(costs: Iterable[Cost], key: Callable[[Cost], Hashable]) -> Iterable[list[Cost]]:
    """Groups the costs by key, in the order of the first cost of each."""
    groups: dict[Hashable, list[Cost]] = {}
    for cost in costs:
        groups.setdefault(key(cost), []).append(cost)
    return groups.values()


def _sum(costs: Iterable[Cost]) -> float:
    return round(fsum(cost.usd_per_hour or 0.0 for cost in costs), 2)
