"""A document -> the request for its job; what the API said -> the jobs that there are; prices -> what they cost."""
