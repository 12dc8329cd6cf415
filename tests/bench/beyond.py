"""What a plan takes beyond receiving: python -m tests.bench.beyond URL FOLDER prints it as JSON."""

import gc
import io
import json
import sys
import threading
import time
from typing import Any

import httpx

from baseten_jobs import compilation, pipeline
from baseten_jobs.cli.main import COLLECT_EVERY
from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.planning.plan import Policy
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.pacing import Clock
from baseten_jobs.report import formats


class Receiving(httpx.HTTPTransport):
    """Reads each answer whole before it hands it on, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As any transport; the time of the processor that it takes is counted by nobody else."""
        before = time.thread_time()
        response = super().handle_request(request)
        self.answers.append(response.read())
        RECEIVED.append(time.thread_time() - before)
        return response


RECEIVED: list[float] = []


def measure(url: str, folder: str) -> dict[str, Any]:
    """Seconds of the processor: all threads' from the valid manifests to the text of the plan, without receiving."""
    gc.set_threshold(COLLECT_EVERY)
    compiled = compilation.compile_all(Inputs([folder]), io.BytesIO())
    assert compiled.valid, compiled.diagnostics
    transport = Receiving()
    http = httpx.Client(transport=transport, base_url=url, timeout=300, headers={"Authorization": "Api-Key bench-key"})
    began = time.process_time()
    made = pipeline.make(Api(http, Clock()), compiled, Policy(max_submits=None))
    text = formats.PLAN["text"](made.plan)
    beyond = time.process_time() - began - sum(RECEIVED)
    assert made.valid, made.diagnostics
    assert text
    decode = []
    for _ in range(3):
        gc.collect()
        gc.set_threshold(700, 10, 10)  # as Python itself sets it
        before = time.process_time()
        for answer in transport.answers:
            json.loads(answer)
        decode.append(time.process_time() - before)
    return {
        "beyond": beyond,
        "decode": sorted(decode)[1],
        "requests": len(transport.answers),
        "bytes": sum(map(len, transport.answers)),
        "threads": threading.active_count(),
        "summary": made.plan.summary,
    }


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:])))
