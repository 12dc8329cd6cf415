"""The endpoints, one module for each group."""

from __future__ import annotations

from . import capacity, control, jobs, objects, organisation, outputs, projects, telemetry

BLUEPRINTS = (
    projects.blueprint,
    jobs.blueprint,
    telemetry.blueprint,
    outputs.blueprint,
    capacity.blueprint,
    organisation.blueprint,
    control.blueprint,
    objects.blueprint,
)
