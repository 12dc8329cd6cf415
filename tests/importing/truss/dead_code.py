"""What the job does not need is no error: functions, prints, environment, a main block."""

import argparse
import os
from typing import TYPE_CHECKING

import yaml
from mine import helper
from truss_train import definitions

if TYPE_CHECKING:
    from other import Thing
else:
    Thing = object
DEBUG = os.environ.get("DEBUG", "0")
settings = yaml.safe_load(open("settings.yaml"))
helper.prepare(DEBUG)


class Options:
    image = "never used"

    def build(self) -> definitions.TrainingProject:
        return definitions.TrainingProject(name="not this", job=None)


def main() -> None:
    parser = argparse.ArgumentParser()
    print(parser.parse_args(), settings)


print("loading", __name__)
try:
    from fast import quick
except ImportError:
    quick = None
while DEBUG == "2":
    pass
for _ in settings:
    unused = _
with open("x") as handle:
    text = handle.read()
assert DEBUG != "3", "no"
runtime = definitions.Runtime(start_commands=["python a.py"])
job = definitions.TrainingJob(image=definitions.Image(base_image="python:3.12.4-slim"), runtime=runtime)
project = definitions.TrainingProject(name="dead code", job=job)
if __name__ == "__main__":
    main()
    project = None
