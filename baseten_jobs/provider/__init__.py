"""A connection, projects and ids -> what the provider shows of their jobs: observations, statuses, log lines."""
