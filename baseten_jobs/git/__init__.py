"""A checkout -> its log, its objects, and what lies in it; the one place that starts git."""
