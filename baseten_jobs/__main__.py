"""`python -m baseten_jobs`."""

from baseten_jobs.cli.main import main

main()
