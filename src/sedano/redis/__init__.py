"""What the Redis broker and the Redis result store share: URLs, connections, scripts, errors, storing."""
