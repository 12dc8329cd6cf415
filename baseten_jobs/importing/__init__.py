"""What others wrote: request bodies, Python files of the incumbent client, jobs of the API -> manifests."""

__all__ = ["adopt", "adoption", "from_body", "from_curl", "from_job", "json_reader", "placed", "truss", "yaml_writer"]
