"""Whatever stands in a manifest, it is compiled or refused at its place, and what is told obeys nobody."""

from pathlib import Path

import pytest

from tests.attacks.manifests import attack


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_manifests_that_chance_went_over_are_compiled_or_refused(seed: int, tmp_path: Path) -> None:
    assert list(attack(tmp_path, 100_000, seed)) == []
