"""The machines on offer, their prices, and a compute request to the smallest machine that fits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from .errors import not_valid

_BINARY = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_UNITS = _BINARY | _DECIMAL
_QUANTITY = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)([A-Za-z]{0,2})", re.ASCII)
_MEBIBYTE = 2**20
# No published maximum exists; far above any real job, and it keeps per-node answers finite.
MAX_NODES = 1024


@dataclass(frozen=True)
class InstanceType:
    """One machine; the fields are those of the API. `price` is USD per minute."""

    id: str
    name: str
    memory_limit_mib: int
    millicpu_limit: int
    gpu_count: int
    gpu_type: str | None
    gpu_memory_limit_mib: int | None
    price: float

    def shown(self) -> dict[str, object]:
        """The machine as the API shows it, where a price is no part of it."""
        return {
            "id": self.id,
            "name": self.name,
            "memory_limit_mib": self.memory_limit_mib,
            "millicpu_limit": self.millicpu_limit,
            "gpu_count": self.gpu_count,
            "gpu_type": self.gpu_type,
            "gpu_memory_limit_mib": self.gpu_memory_limit_mib,
        }


@dataclass(frozen=True)
class _Gpu:
    name: str
    memory_gib: int
    cpus: int
    host_memory_gib: int
    dollars_per_hour: float


# Per GPU. Names as the capacity endpoint spells them; prices are list prices where one is published
# and of that order where none is: good for rehearsing a cost limit, not for a budget.
_GPUS = (
    _Gpu("T4", 16, 4, 16, 0.63),
    _Gpu("L4", 24, 8, 32, 0.85),
    _Gpu("A10G", 24, 8, 32, 1.21),
    _Gpu("V100", 16, 8, 61, 2.45),
    _Gpu("L40S", 48, 12, 96, 2.35),
    _Gpu("A100-40GB", 40, 12, 85, 3.20),
    _Gpu("A100", 80, 12, 144, 4.00),
    _Gpu("RTX_PRO_6000", 96, 16, 160, 4.20),
    _Gpu("H100-40GB", 40, 13, 117, 3.75),
    _Gpu("H100", 80, 26, 234, 6.50),
    _Gpu("H200", 141, 26, 256, 7.80),
    _Gpu("B200", 180, 28, 384, 9.98),
    _Gpu("B300", 288, 28, 448, 12.50),
    _Gpu("GB300", 288, 36, 480, 13.50),
)
_CPU_SIZES = ((1, 2), (2, 4), (2, 8), (4, 16), (8, 32), (16, 64), (32, 128), (64, 256), (96, 768))


def _cpu_machine(cpus: int, memory_gib: int) -> InstanceType:
    return InstanceType(
        id=f"{cpus}x{memory_gib}",
        name=f"CPU {cpus} vCPU, {memory_gib} GiB",
        memory_limit_mib=memory_gib * 1024,
        millicpu_limit=cpus * 1000,
        gpu_count=0,
        gpu_type=None,
        gpu_memory_limit_mib=None,
        price=round(0.0006 * max(cpus, memory_gib / 4), 5),
    )


def _gpu_machine(gpu: _Gpu, count: int) -> InstanceType:
    cpus, memory_gib = gpu.cpus * count, gpu.host_memory_gib * count
    return InstanceType(
        id=f"{gpu.name}:{count}x{cpus}x{memory_gib}",
        name=f"{count} x {gpu.name}, {cpus} vCPU, {memory_gib} GiB",
        memory_limit_mib=memory_gib * 1024,
        millicpu_limit=cpus * 1000,
        gpu_count=count,
        gpu_type=gpu.name,
        gpu_memory_limit_mib=gpu.memory_gib * 1024,
        price=round(gpu.dollars_per_hour * count / 60, 5),
    )


INSTANCE_TYPES: tuple[InstanceType, ...] = (
    *(_cpu_machine(cpus, memory_gib) for cpus, memory_gib in _CPU_SIZES),
    *(_gpu_machine(gpu, count) for gpu in _GPUS for count in range(1, 9)),
)


def gpu_type(name: str) -> str | None:
    """A GPU's name as the catalogue spells it (`A100_40GB` is `A100-40GB`); None if there is none."""
    plain = name.replace("-", "_")
    return next((gpu.name for gpu in _GPUS if gpu.name.replace("-", "_") == plain), None)


def allocate(compute: Mapping[str, object]) -> InstanceType:
    """The smallest machine for a compute request whose types are checked; a Refusal if none fits."""
    at = "training_job.compute"
    nodes, cpus = compute.get("node_count", 1), compute.get("cpu_count", 1)
    accelerator, memory = compute.get("accelerator"), compute.get("memory", "2Gi")
    if not isinstance(nodes, int) or not 1 <= nodes <= MAX_NODES:
        raise not_valid(f"{at}.node_count: {nodes} is not from 1 to {MAX_NODES}")
    if not isinstance(cpus, int) or cpus < 0:
        raise not_valid(f"{at}.cpu_count: {cpus} is less than 0")
    wanted, count = None, 0
    if isinstance(accelerator, Mapping):
        wanted, count = gpu_type(accelerator["accelerator"]), accelerator["count"]
        if wanted is None:
            raise not_valid(
                f"{at}.accelerator.accelerator: '{accelerator['accelerator']}' is not a GPU type here;"
                f" expected one of {', '.join(gpu.name for gpu in _GPUS)}"
            )
        if count < 1:
            raise not_valid(f"{at}.accelerator.count: {count} is less than 1")
    mebibytes = _mebibytes(str(memory), f"{at}.memory")
    for machine in INSTANCE_TYPES:
        if (
            machine.gpu_type == wanted
            and machine.gpu_count >= count
            and machine.millicpu_limit >= cpus * 1000
            and machine.memory_limit_mib >= mebibytes
        ):
            return machine
    asked = f"{cpus} vCPU and {memory} a node" + (f" with {count} x {wanted}" if wanted else "")
    raise not_valid(f"{at}: no instance type has {asked}")


def _mebibytes(text: str, at: str) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _UNITS:
        raise not_valid(f"{at}: '{text}' is not an amount of memory such as 2Gi")
    return Decimal(match[1]) * _UNITS[match[2]] / _MEBIBYTE
