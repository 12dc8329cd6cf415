"""Folders of manifests -> the Policies that hold there, and what these make of each manifest's diagnostics."""

__all__ = ["chain", "files", "marks", "written"]
