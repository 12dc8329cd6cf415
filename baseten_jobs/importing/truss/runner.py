"""A Python file -> the training projects that it makes, by running it: for an interpreter that has the client.

It is no part of this package's own process: `running` starts it elsewhere, with nothing but Python and the client.
"""

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def main(file: str, answer: str, bound: str) -> None:
    """Write what the file makes to `answer`, as JSON; paths within the folder `bound` as ways from the file's own."""
    client = importlib.import_module("truss_train")
    public, kind = importlib.import_module("truss_train.public_api"), client.TrainingProject
    pushed: list[dict[str, Any]] = []
    folder = os.path.dirname(file)

    def push(config: Any, **options: Any) -> dict[str, Any]:
        given = _of_module(_run(str(config), Path(config).stem), kind) if isinstance(config, Path) else [config]
        pushed.extend(_dumped(each, folder, bound) for each in given)
        return {"id": "none", "training_project": {"id": "none", "name": "none"}}

    vars(client)["push"] = vars(public)["push"] = push
    sys.path.append(os.path.dirname(file))
    sys.addaudithook(_refuse)
    for name in (Path(file).stem, "__main__"):
        made = [_dumped(each, folder, bound) for each in _made(file, name, kind)]
        if told := pushed or made:
            break
    with open(answer, "w", encoding="ascii") as out:
        json.dump(told, out)


def _refuse(event: str, arguments: Any) -> None:
    """Ends every attempt to reach another machine, or to start a process, which could do so."""
    if event in _REFUSED or event.startswith(("os.exec", "os.spawn")):
        raise PermissionError(f"{event}: a config that is imported sends nothing and starts nothing")


_REFUSED = frozenset(
    {
        "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
        "socket.gethostbyname", "socket.gethostbyaddr", "subprocess.Popen", "os.system", "os.fork", "os.forkpty",
        "os.posix_spawn", "pty.spawn", "ctypes.dlopen",
    }
)  # fmt: skip


def _run(file: str, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _made(file: str, name: str, kind: type) -> list[Any]:
    """What a file has made at its end, also where it ends by an exit without an error."""
    try:
        return _of_module(_run(file, name), kind)
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
        return []


def _of_module(module: ModuleType, kind: type) -> list[Any]:
    values = [getattr(module, name) for name in dir(module)]
    return list({id(v): v for v in values if isinstance(v, kind)}.values())


def _dumped(project: Any, folder: str, bound: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(project.model_dump(mode="json"), default=str))
    told["job"] = json.loads(json.dumps(project.job.model_dump(mode="json"), default=str))
    workspace = told["job"].get("workspace")
    if workspace:
        if workspace.get("workspace_root"):
            workspace["workspace_root"] = _way(workspace["workspace_root"], folder, bound)
        for name in ("external_dirs", "exclude_dirs"):
            workspace[name] = [_way(each, folder, bound) for each in workspace.get(name) or []]
    return told


def _way(path: str, folder: str, bound: str) -> str:
    """A path of the checkout, or one that was made of the file's own, from the file's folder; another as it is."""
    if not os.path.isabs(path):
        return path
    if os.path.commonpath([path, folder]) == folder:
        return os.path.relpath(path, folder)
    real = os.path.realpath(path)
    return os.path.relpath(real, os.path.realpath(folder)) if os.path.commonpath([real, bound]) == bound else path


if __name__ == "__main__":
    main(*sys.argv[1:])
