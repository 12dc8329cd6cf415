"""What strangers may put into a pull request, a checkout or an answer, and what must not come of it."""
