"""`python -m baseten_jobs`."""

from baseten_jobs.cli import main

main()
