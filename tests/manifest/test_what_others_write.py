"""Fields as other tools call them: each is told what to write, whatever section it stands in."""

import pytest

from tests.support.commands import Cli, called, nothing_set

__all__ = ["called", "nothing_set"]

HEAD = "apiVersion: baseten-jobs/v1\nkind: TrainingJob\nmetadata: {name: a, project: p}\n"
SECTIONS = {
    "spec": "spec: {{image: {{base_image: 'i:1'}}, {}: x}}\n",
    "compute": "spec: {{image: {{base_image: 'i:1'}}, compute: {{{}: x}}}}\n",
    "runtime": "spec: {{image: {{base_image: 'i:1'}}, runtime: {{start_commands: [a], {}: x}}}}\n",
    "policy": "spec: {{image: {{base_image: 'i:1'}}}}\npolicy: {{{}: x}}\n",
    "the top level": "spec: {{image: {{base_image: 'i:1'}}}}\n{}: x\n",
}
WRITE = {
    "accelerator: H100:8": "gpu gpus gpu_type gpu_count accelerators",
    "node_count: 2": "nodes num_nodes replicas",
    "cpu_count: 4": "cpu cpus vcpus",
    "availability_model: spot": "spot",
    "environment_variables: {NAME: value}": "env envs environment env_vars",
    "NAME: {name: my_secret}": "secret secrets",
    "start_commands: [": "command commands cmd run entrypoint args",
    "max_duration: 12h": "timeout max_run_duration time_limit ttl",
    "retry: {limit: 3}": "retries max_retries",
    "max_cost: 500": "budget",
}


@pytest.mark.parametrize(("told", "words"), WRITE.items(), ids=WRITE)
def test_a_field_of_others_is_told_what_to_write(told: str, words: str, called: Cli) -> None:
    for word in words.split():
        for where, text in SECTIONS.items():
            ran = called("validate", "-", given=HEAD + text.format(word))
            assert ran.code == 1
            (line,) = (each for each in ran.out.splitlines() if f"'{word}' is not a field here" in each)
            assert f"write `{told}" in line, where


@pytest.mark.parametrize(
    ("written", "meant"),
    [("H100x8", "H100:8"), ("8xH100", "H100:8"), ("A100_80GBx2", "A100_80GB:2")],
)
def test_a_count_of_gpus_as_others_write_it(written: str, meant: str, called: Cli) -> None:
    text = f"spec: {{image: {{base_image: 'i:1'}}, compute: {{accelerator: {written}}}}}\n"
    assert f"did you mean '{meant}'?" in called("validate", "-", given=HEAD + text).out


def test_an_image_that_is_a_text(called: Cli) -> None:
    ran = called("validate", "-", given=f"{HEAD}spec: {{image: pytorch/pytorch}}\n")
    assert "spec.image: a string is not a mapping; write it as `{base_image: ...}`" in ran.out
