"""What every REST endpoint under `/api` has in common. Where errors become bodies and keys become callers: `gatewaysite/rest/`."""
