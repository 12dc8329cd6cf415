"""What others wrote -> manifests: request bodies, the incumbent client's Python files, and jobs of the API."""
