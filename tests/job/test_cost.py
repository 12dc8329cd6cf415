"""What a plan costs, whether its jobs start now, and the guard on both: tables first, then whole commands."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from baseten_jobs.emulator.server import serving
from baseten_jobs.emulator.settings import Durations, Settings
from baseten_jobs.job.cost import Bill, Cost, Machine, Share, cost_of, price_list
from baseten_jobs.job.request import JobRequest, ProjectRef
from baseten_jobs.planning.capacity import GpuCapacity, Limit, Start, capacity_of, starts
from baseten_jobs.planning.guards import refusals
from baseten_jobs.planning.plan import Action, Plan, Policy, Verb
from baseten_jobs.planning.saved_plan import SavedPlan, loaded, planned
from baseten_jobs.planning.terms import Terms
from baseten_jobs.report import text as as_text
from baseten_jobs.report.headline import headline
from tests.support.commands import Cli, called
from tests.support.world import Fault, World, answered, never

__all__ = ["called"]

GIB = 1024
REF = ProjectRef(name="Demo")
PRICES = "/v1/instance_type_prices"
CAPACITY = "/v1/training/capacity"
TEAMS = "/v1/teams"


def request(**compute: Any) -> JobRequest:
    if accelerator := compute.pop("gpus", ""):
        gpu_type, _, count = accelerator.partition(":")
        compute["accelerator"] = {"accelerator": gpu_type, "count": int(count)}
    return JobRequest("specs/x.yaml", 1, REF, "x", 1, "a" * 64, {"name": "x", "compute": compute})


# Machines and prices

MACHINES = (
    Machine(1_000, 2 * GIB, 0.001),
    Machine(4_000, 16 * GIB, 0.004),
    Machine(4_000, 8 * GIB, 0.003),
    Machine(16_000, 64 * GIB, 0.01),
    Machine(26_000, 234 * GIB, 0.1, 1, "H100"),
    Machine(208_000, 1872 * GIB, 0.9, 8, "H100"),
    Machine(104_000, 936 * GIB, 0.53283, 8, "H100"),
    Machine(12_000, 85 * GIB, 0.05, 1, "A100-40GB"),
)

MATCHES: dict[str, tuple[dict[str, Any], float | None]] = {
    "GPU type and count, the smallest CPU and memory": ({"gpus": "H100:8"}, 31.97),
    "all nodes": ({"gpus": "H100:8", "node_count": 2}, 63.94),
    "more CPUs than the smallest has": ({"gpus": "H100:8", "cpu_count": 105}, 54.0),
    "more memory than the smallest has": ({"gpus": "H100:8", "memory": "937Gi"}, 54.0),
    "no CPUs and no memory asked for": ({"gpus": "H100:1", "cpu_count": 0, "memory": "0Mi"}, 6.0),
    "memory in decimal units": ({"gpus": "H100:1", "memory": "251G"}, 6.0),
    "memory in decimal units, too much": ({"gpus": "H100:1", "memory": "252G"}, None),
    "the other spelling of a GPU type": ({"gpus": "A100_40GB:1"}, 3.0),
    "another GPU type": ({"gpus": "A100:1"}, None),
    "a count that no machine has": ({"gpus": "H100:4"}, None),
    "more CPUs than any machine has": ({"gpus": "H100:8", "cpu_count": 209}, None),
    "no GPU, and nothing asked for": ({}, 0.06),
    "no GPU, by CPUs": ({"cpu_count": 3}, 0.18),
    "no GPU, by memory": ({"cpu_count": 2, "memory": "9Gi"}, 0.24),
    "no GPU, more than any CPU machine has": ({"memory": "65Gi"}, None),
}


@pytest.mark.parametrize(("compute", "usd"), MATCHES.values(), ids=MATCHES.keys())
def test_a_job_is_priced_by_the_smallest_machine_that_fits(compute: dict[str, Any], usd: float | None) -> None:
    assert cost_of(request(**compute), MACHINES).usd_per_hour == usd
    assert cost_of(request(**compute), MACHINES[::-1]).usd_per_hour == usd


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        ({"gpus": "H100:8", "node_count": 2}, "2 x 8 H100 · $63.94/h"),
        ({"gpus": "H100:8", "node_count": 100}, "100 x 8 H100 · $3,196.98/h"),
        ({"cpu_count": 16}, "1 x 16 CPU · $0.60/h"),
        ({}, "1 x 1 CPU · $0.06/h"),
        ({"gpus": "B300:8"}, "1 x 8 B300 · price not known"),
    ],
)
def test_a_cost_shows_its_formula(compute: dict[str, Any], words: str) -> None:
    assert str(cost_of(request(**compute), MACHINES)) == words


def row(price: object = 0.1, **changes: object) -> dict[str, object]:
    instance = {
        "id": "i", "name": "n", "memory_limit_mib": 1024, "millicpu_limit": 1000, "gpu_count": 1, "gpu_type": "H100",
        "gpu_memory_limit_mib": 81920, **changes,
    }  # fmt: skip
    return {"instance_type": instance, "price": price}


def test_a_price_list_is_read() -> None:
    assert price_list([row(), row(2, gpu_count=0, gpu_type=None)]) == (
        Machine(1000, 1024, 0.1, 1, "H100"),
        Machine(1000, 1024, 2.0),
    )


@pytest.mark.parametrize(
    "odd",
    [
        row(None), row("0.1"), row(True), row(float("nan")), row(float("inf")), row(-1), row(0), row(gpu_count=None),
        row(millicpu_limit="1000"), row(memory_limit_mib=None), row(gpu_type=7), {}, {"price": 1},
        {"price": 1, "instance_type": "H100"}, {"price": 1, "instance_type": None},
    ],
    ids=repr,
)  # fmt: skip
def test_a_row_that_tells_no_price_is_no_machine_and_never_a_free_one(odd: dict[str, Any]) -> None:
    assert price_list([odd, row()]) == price_list([row()])


def test_a_bill_adds_up_by_gpu_type_and_leaves_nothing_without_a_price_out() -> None:
    bill = Bill(
        (
            ("a", Cost(2, 8, "H100", 0, 63.94)),
            ("b", Cost(1, 0, "", 16, 0.1)),
            ("c", Cost(1, 8, "H100", 0, 31.97)),
            ("d", Cost(1, 2, "H100", 0, 8.2)),
            ("e", Cost(1, 1, "A100-40GB", 0, 3.0)),
            ("f", Cost(2, 1, "A100_40GB", 0, None)),
        )
    )
    assert bill.shares == (
        Share("H100", 4, 26, 104.11),
        Share("", 1, 0, 0.1),
        Share("A100-40GB", 3, 3, None),
    )
    assert (bill.usd_per_hour, bill.priced, bill.unpriced) == (None, 107.21, ("f",))
    assert str(bill) == (
        "3 x 8 H100 + 1 x 2 H100 + 1 x 16 CPU + 3 x 1 A100-40GB · at least $107.21/h; no price is known of f"
    )


def test_where_no_price_is_known_no_least_price_is_told() -> None:
    assert str(Bill((("a", Cost(2, 8, "H100", 0)), ("b", Cost(1, 8, "H100", 0))))) == "3 x 8 H100 · price not known"


def test_cents_add_up_to_cents() -> None:
    bill = Bill(tuple((str(n), Cost(1, 0, "", 1, 0.1)) for n in range(3)))
    assert (bill.usd_per_hour, str(bill)) == (0.3, "3 x 1 CPU · $0.30/h")


def test_an_empty_bill_is_nothing_to_pay() -> None:
    assert (Bill().usd_per_hour, Bill().shares, Bill().unpriced) == (0.0, (), ())


# Capacity

H8, H1, SPOT8, CPU = (
    request(gpus="H100:8"),
    request(gpus="H100:1"),
    request(gpus="H100:8", availability_model="spot"),
    request(),
)
NOW, QUEUES = Start.NOW, Start.QUEUES
ORG16 = Limit("H100", 16, 0)

ROOM: dict[str, tuple[list[Limit], list[tuple[JobRequest, str | None]], list[Start | None]]] = {
    "no limits": ([], [(H8, "a"), (H8, None)], [NOW, NOW]),
    "room for one": ([Limit("H100", 16, 8)], [(H8, "a")], [NOW]),
    "the last GPU": ([Limit("H100", 8, 0)], [(H8, "a"), (H1, "a")], [NOW, QUEUES]),
    "full": ([Limit("H100", 8, 8)], [(H1, "a")], [QUEUES]),
    "in use above the limit, by spot jobs": ([Limit("H100", 8, 12)], [(H1, "a")], [QUEUES]),
    "one after the other": ([ORG16], [(H8, "a"), (H8, "b"), (H8, "c")], [NOW, NOW, QUEUES]),
    "all nodes count": ([ORG16], [(request(gpus="H100:8", node_count=3), "a")], [QUEUES]),
    "a small one does not overtake a large one": ([Limit("H100", 4, 0)], [(H8, "a"), (H1, "a")], [QUEUES, QUEUES]),
    "the team is full, the organisation is not": ([Limit("H100", 4, 0, "a"), ORG16], [(H8, "a")], [QUEUES]),
    "the organisation is full, the team is not": ([Limit("H100", 4, 4), Limit("H100", 8, 0, "a")], [(H1, "a")],
                                                  [QUEUES]),
    "another team's limit": ([Limit("H100", 0, 0, "b"), ORG16], [(H8, "a")], [NOW]),
    "one that waits for its team takes nothing from others": (
        [Limit("H100", 4, 0, "a"), Limit("H100", 8, 0)], [(H8, "a"), (H8, "b")], [QUEUES, NOW]),
    "the other spelling": ([Limit("A100-40GB", 1, 1)], [(request(gpus="A100_40GB:1"), "a")], [QUEUES]),
    "another GPU type": ([Limit("H200", 0, 0)], [(H8, "a")], [NOW]),
    "spot may exceed the limit": ([Limit("H100", 4, 4)], [(SPOT8, "a")], [NOW]),
    "spot takes room from those behind it": ([ORG16], [(SPOT8, "a"), (H8, "a"), (H1, "a")], [NOW, NOW, QUEUES]),
    "a CPU job waits for no GPU": ([Limit("H100", 0, 0)], [(CPU, "a")], [NOW]),
    "a team that is not known, where teams are limited": ([Limit("H100", 8, 0, "a"), ORG16], [(H8, None)], [None]),
    "a team that is not known, where the organisation is full": (
        [Limit("H100", 8, 0, "a"), Limit("H100", 4, 0)], [(H8, None)], [QUEUES]),
    "a team that is not known, where no team is limited": ([ORG16], [(H8, None)], [NOW]),
}  # fmt: skip


@pytest.mark.parametrize(("limits", "submits", "expected"), ROOM.values(), ids=ROOM.keys())
def test_jobs_start_now_while_there_is_room(
    limits: list[Limit], submits: list[tuple[JobRequest, str | None]], expected: list[Start | None]
) -> None:
    assert list(starts(submits, GpuCapacity(tuple(limits)))) == expected


def test_capacity_is_read() -> None:
    limits = {"gpu_type": "H100", "baseline": 0, "limit": 16, "usage_count": 8}
    data = {"gpu_capacities": [limits], "team_gpu_capacities": [{**limits, "team_id": "t1", "team_name": "a"}]}
    assert capacity_of(data) == GpuCapacity((Limit("H100", 16, 8, "a"), Limit("H100", 16, 8)))
    assert capacity_of({"gpu_capacities": []}) == GpuCapacity()


@pytest.mark.parametrize(
    "data",
    [
        {}, {"gpu_capacities": None}, {"gpu_capacities": {}}, {"gpu_capacities": ["H100"]}, {"gpu_capacities": [{}]},
        {"gpu_capacities": [{"gpu_type": "H100", "limit": "8", "usage_count": 0}]},
        {"gpu_capacities": [{"gpu_type": None, "limit": 8, "usage_count": 0}]},
        {"gpu_capacities": [], "team_gpu_capacities": [{"gpu_type": "H100", "limit": 8, "usage_count": 0}]},
    ],
    ids=repr,
)  # fmt: skip
def test_capacity_of_another_shape_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the answer holds"):
        capacity_of(data)


# The guard


def submits(*costs: float | None) -> Plan:
    actions = (
        Action(Verb.SUBMIT, replace(request(), name=f"x{n}"), "new", cost=Cost(1, 8, "H100", 0, usd))
        for n, usd in enumerate(costs)
    )
    return Plan(tuple(actions))


@pytest.mark.parametrize(
    ("costs", "limit", "refused"),
    [
        ([63.94], 63.94, ()),
        ([0.1, 0.2], 0.3, ()),
        ([63.94], 63.93, ("$63.94/h to submit, and --max-cost-per-hour is $63.93/h",)),
        ([], 0.0, ()),
        ([None], 1e6, ("no price is known of x0, so --max-cost-per-hour can't be checked",)),
        ([7.0, None], 5.0, ("$7.00/h to submit, and --max-cost-per-hour is $5.00/h",
                            "no price is known of x1, so --max-cost-per-hour can't be checked")),
        ([None] * 7, 1.0, ("no price is known of x0, x1, x2, x3, x4 and 2 more,"
                           " so --max-cost-per-hour can't be checked",)),
        ([None, 9e9], None, ()),
    ],
)  # fmt: skip
def test_a_limit_on_cost_refuses_what_is_dearer_and_what_nobody_knows(
    costs: list[float | None], limit: float | None, refused: tuple[str, ...]
) -> None:
    assert refusals(submits(*costs), Policy(max_cost_per_hour=limit)) == refused


def test_a_submit_that_was_never_appraised_has_no_price() -> None:
    plan = Plan((Action(Verb.SUBMIT, request(gpus="H100:8"), "new"),))
    assert plan.cost.unpriced == ("x",)
    assert plan.cost.shares == (Share("H100", 1, 8, None),)


# A plan


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"durations": Durations(running=1e9), "capacity": (("H100", 16),)})


def test_a_plan_tells_cost_and_start_of_each_submit(world: World) -> None:
    for name in ("a", "b", "c"):
        world.write(name)
    plan = world.plan().plan
    assert [(str(a.cost), a.starts) for a in plan.actions] == [
        ("1 x 8 H100 · $52.00/h", NOW),
        ("1 x 8 H100 · $52.00/h", NOW),
        ("1 x 8 H100 · $52.00/h", QUEUES),
    ]
    assert str(plan.cost) == "3 x 8 H100 · $156.00/h"
    assert plan.notes == ()


def test_jobs_that_run_take_room_and_cost_nothing_more(world: World) -> None:
    world.write("a")
    world.write("b")
    world.apply()
    world.clock.sleep(60)
    world.write("c")
    plan = world.plan().plan
    assert [(a.verb, a.cost is None, a.starts) for a in plan.actions] == [
        (Verb.KEEP, True, None),
        (Verb.KEEP, True, None),
        (Verb.SUBMIT, False, QUEUES),
    ]
    assert plan.cost.usd_per_hour == 52.0
    world.apply()
    assert sorted(world.status_of()) == ["PENDING", "RUNNING", "RUNNING"]


def test_a_teams_limit_holds_for_its_projects_alone(tmp_path: Path) -> None:
    world = World(tmp_path, {"teams": ("research",)})
    team = next(team for team in world.api.teams() if team["name"] == "research")
    with httpx.Client(transport=world.between, base_url="http://baseten", headers={"Authorization": "Bearer k"}) as api:
        api.patch(CAPACITY, json={"team_id": team["id"], "gpu_type": "H100", "max_gpus": 8}).raise_for_status()
    world.write("a", metadata=", team: research")
    world.write("b", metadata=", team: research")
    world.write("c", metadata=", team: default")
    assert [a.starts for a in world.plan().plan.actions] == [NOW, QUEUES, NOW]
    world.write("d")  # in a project that does not exist, of the default team
    path = tmp_path / "specs" / "d.yaml"
    path.write_text(path.read_text().replace("Demo / one", "Other"))
    assert [a.starts for a in world.plan().plan.actions] == [NOW, QUEUES, NOW, NOW]


def test_reads_for_the_cost_are_as_many_for_a_thousand_manifests_as_for_one(world: World) -> None:
    world.write("a")
    world.plan()
    new_project = Counter(world.between.calls)
    assert new_project == Counter(["projects", PRICES, CAPACITY, TEAMS])
    world.apply()
    for number in range(30):
        world.write(f"x{number}")
    world.between.calls.clear()
    world.plan()
    assert Counter(world.between.calls) == Counter(["projects", "search", "list", PRICES, CAPACITY])


def test_a_plan_that_submits_nothing_reads_no_prices_and_has_no_notes(world: World) -> None:
    world.write("a")
    world.apply()
    world.between.calls.clear()
    world.fault(PRICES, answered(500))
    plan = world.plan().plan
    assert world.between.calls == ["projects", "search"]
    assert (plan.notes, plan.cost.usd_per_hour) == ((), 0.0)


def test_once_confirmed_an_apply_asks_for_prices_no_more(world: World) -> None:
    world.write("a")
    world.apply()
    assert {PRICES, CAPACITY, TEAMS} & set(world.between.calls) == set()


TROUBLE: dict[str, Fault] = {
    "403": answered(403, {"message": "no"}),
    "404": answered(404, {"message": "not here"}),
    "500": answered(500),
    "429": answered(429, {"error": "slow down"}),
    "no answer": never(),
    "no connection": never(httpx.ConnectError),
    "HTML": answered(200, "<html>"),
    "a list": answered(200, "[]"),
    "another shape": answered(200, {"gpu_capacities": [{"gpu_type": 1}], "instance_types": ["H100"]}),
    "an empty object": answered(200, {}),
}


@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE.keys())
def test_what_can_not_be_read_is_a_note_and_never_a_failure(world: World, fault: Fault) -> None:
    world.write("a")
    world.fault(PRICES, *[fault] * 9)
    world.fault(CAPACITY, *[fault] * 9)
    world.fault(TEAMS, *[fault] * 9)
    planned = world.plan()
    assert planned.valid
    (action,) = planned.plan.actions
    assert (str(action.cost), action.starts) == ("1 x 8 H100 · price not known", None)
    prices, capacity = planned.plan.notes
    assert prices.startswith("prices can't be read, so no cost is told: ")
    assert capacity.startswith("capacity can't be read, so nobody knows whether jobs start or queue: ")
    assert [outcome.fate.value for outcome in world.carry_out(planned).outcomes] == ["submitted"]


def test_an_empty_price_list_prices_nothing(world: World) -> None:
    world.write("a")
    world.fault(PRICES, answered(200, {"instance_types": []}))
    plan = world.plan().plan
    assert plan.cost.unpriced == ("a",)
    assert len(plan.notes) == 1


def test_passing_trouble_is_waited_out(world: World) -> None:
    world.write("a")
    world.fault(PRICES, answered(503), never())
    world.fault(CAPACITY, answered(429, {"error": "slow down", "retry_after": 1}))
    plan = world.plan().plan
    assert (plan.notes, plan.cost.usd_per_hour, plan.actions[0].starts) == ((), 52.0, NOW)


def test_price_and_capacity_do_not_make_a_saved_plan_stale(world: World) -> None:
    world.write("a")
    saved = loaded(SavedPlan(Terms("target", ("specs",)), planned(world.plan().plan)).dumped())
    world.fault(PRICES, answered(404))
    world.fault(CAPACITY, answered(200, {"gpu_capacities": [{"gpu_type": "H100", "limit": 0, "usage_count": 0}]}))
    plan = world.plan().plan
    assert (plan.cost.unpriced, plan.actions[0].starts) == (("a",), QUEUES)
    assert saved.stale(plan) == ()


# Commands, against the embedded API over HTTP


@pytest.fixture
def cli(tmp_path: Path, called: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Commands in a folder with a job of two nodes and one without GPUs; the API has room for 16 H100."""
    monkeypatch.chdir(tmp_path)
    write("a", '{accelerator: "H100:8", node_count: 2}')
    write("b", "{cpu_count: 16, memory: 64Gi}")

    with serving(Settings(tmp_path / "e.db", capacity=(("H100", 16),))) as url:
        monkeypatch.setenv("BASETEN_BASE_URL", url)
        monkeypatch.setenv("BASETEN_API_KEY", "k")
        yield called


def write(name: str, compute: str) -> None:
    Path("specs").mkdir(exist_ok=True)
    Path("specs", f"{name}.yaml").write_text(
        f"apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {{name: {name}, project: Demo}}\n"
        f"spec:\n  image: {{base_image: 'i:1'}}\n  compute: {compute}\n  runtime: {{start_commands: [train]}}\n"
    )


def test_a_plan_shows_the_formula_the_total_and_who_queues(cli: Cli) -> None:
    write("c", "{accelerator: 'H100:1'}")
    ran = cli("plan")
    assert ran.code == 0
    assert " · 2 x 8 H100 · $104.00/h · starts now · specs/a.yaml:1" in ran.out
    assert " · 1 x 16 CPU · $0.58/h · starts now · specs/b.yaml:1" in ran.out
    assert " · 1 x 1 H100 · $6.50/h · queues · specs/c.yaml:1" in ran.out
    assert "Cost: 2 x 8 H100 + 1 x 1 H100 + 1 x 16 CPU · $111.08/h." in ran.out


def test_a_plan_without_submits_tells_no_cost(cli: Cli) -> None:
    assert cli("plan", "-o", "json").json["cost"]["usd_per_hour"] == 104.58
    assert cli("apply", "--local", "--yes", "--max-cost-per-hour", "104.58").code == 0
    assert "Cost" not in cli("plan", "--local").out
    paid = cli("plan", "--local", "-o", "json").json["cost"]
    assert paid == {"usd_per_hour": 0.0, "by_gpu": [], "unpriced": []}


def test_a_plan_as_json_tells_cost_and_start(cli: Cli) -> None:
    write("c", "{accelerator: 'FUTURE:8'}")
    document = cli("plan", "-o", "json").json
    assert document["cost"] == {
        "usd_per_hour": None,
        "by_gpu": [
            {"gpu_type": "H100", "nodes": 2, "gpus": 16, "usd_per_hour": 104.0},
            {"gpu_type": None, "nodes": 1, "gpus": 0, "usd_per_hour": 0.58},
            {"gpu_type": "FUTURE", "nodes": 1, "gpus": 8, "usd_per_hour": None},
        ],
        "unpriced": ["c"],
    }
    assert [(a["cost_per_hour"], a["starts"]) for a in document["actions"]] == [
        (104.0, "now"),
        (0.58, "now"),
        (None, "now"),
    ]


def test_a_limit_on_cost_refuses_before_anything_is_sent(cli: Cli) -> None:
    told = "$104.58/h to submit, and --max-cost-per-hour is $104.57/h"
    assert told in cli("plan", "--max-cost-per-hour", "104.57").err
    ran = cli("apply", "--yes", "-o", "json", "--max-cost-per-hour", "104.57")
    assert (ran.code, ran.json["error"]) == (8, f"refused: {told}; nothing was sent")
    assert cli("plan", "-o", "json").json["summary"]["submit"] == 2
    assert "refuse" not in cli("plan", "--max-cost-per-hour", "104.58").err


def test_a_limit_on_cost_refuses_a_job_without_a_price(cli: Cli) -> None:
    write("c", "{accelerator: 'FUTURE:8'}")
    ran = cli("apply", "--yes", "--max-cost-per-hour", "1000000")
    assert ran.code == 8
    assert "no price is known of c, so --max-cost-per-hour can't be checked" in ran.err


def test_a_saved_plan_keeps_its_limit_on_cost(cli: Cli) -> None:
    assert cli("plan", "--out", "p.json", "--max-cost-per-hour", "50").code == 0
    ran = cli("apply", "--plan", "p.json", "--yes")
    assert ran.code == 8
    assert "--max-cost-per-hour is $50.00/h" in ran.err
    wider = cli("apply", "--plan", "p.json", "--yes", "--max-cost-per-hour", "500")
    assert (wider.code, "--max-cost-per-hour is $50.00/h" in wider.err) == (8, True)


@pytest.mark.parametrize("limit", ["nan", "inf", "-1", "much"])
def test_a_limit_that_limits_nothing_is_wrong_usage(cli: Cli, limit: str) -> None:
    assert cli("plan", "--max-cost-per-hour", limit).code == 64


# What goes on beside it


def test_a_plan_adds_up_the_new_jobs_and_the_runs_that_they_leave_running(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("x")
    world.write("y", command="y")
    world.apply()
    world.write("x", command="other")
    world.write("z", command="z")
    plan = world.plan().plan
    (running,) = plan.beside
    assert (running.job.id, running.cost and running.cost.formula) == (world.jobs()[0]["id"], "1 x 8 H100")
    new, beside = plan.cost.priced, plan.cost_beside.priced
    assert (new, beside) == (2 * beside, 52.0)
    told = as_text.plan(plan).splitlines()
    assert told[-1] == "Beside it a previous run keeps running: 1 x 8 H100 · $52.00/h; in all $156.00/h."
    assert headline(plan).endswith(" · $104/h new, $156/h in all")


def test_a_run_that_a_plan_stops_is_not_beside_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write()
    world.apply()
    world.write(command="other", more="policy: {on_change: stop}\n")
    assert world.plan().plan.beside == ()


def test_the_price_of_a_run_that_is_not_known_makes_the_sum_a_lower_bound(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("cpu")
    path = world.folder / "specs" / "cpu.yaml"
    path.write_text(path.read_text().replace('compute: {accelerator: "H100:8"}', "compute: {cpu_count: 2}"))
    world.apply()
    path.write_text(path.read_text().replace("train", "other"))
    plan = world.plan().plan
    assert plan.cost_beside.usd_per_hour is None
    assert " new, at least $" in headline(plan)
    assert "price not known; in all at least $" in as_text.plan(plan)


@pytest.mark.parametrize("price", [10**400, 1e300, float("inf"), float("nan"), 0, -1])
def test_a_price_that_can_be_none_leaves_its_machine_out(price: float) -> None:
    instance = {"millicpu_limit": 1, "memory_limit_mib": 1, "gpu_count": 0}
    assert price_list([{"instance_type": instance, "price": price}]) == ()
