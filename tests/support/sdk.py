"""The official SDK's names, imported when the first is asked for, because that takes most of a second."""

from typing import Any


def __getattr__(name: str) -> Any:
    from baseten import client
    from baseten.client import managementapi

    return getattr(managementapi if hasattr(managementapi, name) else client, name)
