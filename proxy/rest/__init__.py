"""`/api/usage`, `/api/ledger`, `/api/requests`: what was used and decided, read only."""
