"""A folder that a manifest names -> what travels of it -> a tar."""
