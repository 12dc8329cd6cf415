"""A document with a matrix -> a document for each of its cells."""

__all__ = ["axes", "cells", "expansion"]
