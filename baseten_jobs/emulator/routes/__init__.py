"""A request to the embedded API -> its answer, a module for each part of the API."""

from __future__ import annotations

from . import billing, capacity, control, jobs, links, objects, organisation, outputs, projects, telemetry

BLUEPRINTS = (
    projects.blueprint,
    jobs.blueprint,
    telemetry.blueprint,
    outputs.blueprint,
    capacity.blueprint,
    organisation.blueprint,
    billing.blueprint,
    control.blueprint,
    objects.blueprint,
    links.blueprint,
)
