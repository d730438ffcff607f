"""`/api/items` and `/api/signals`: what a workspace's people work on, and what tells them to act."""
