"""A checkout -> what git tells of the manifests and the code that jobs came from."""
