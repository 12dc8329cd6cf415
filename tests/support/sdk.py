"""The official SDK's names, imported when the first is asked for, because that takes most of a second."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_"):  # pytest asks every module for such names
        raise AttributeError(name)
    from baseten import client
    from baseten.client import managementapi

    return getattr(managementapi if hasattr(managementapi, name) else client, name)
