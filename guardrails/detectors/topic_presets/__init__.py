"""Topics that ship with the gateway, written as an admin would write them: one file each, with `TOPIC`."""
