"""What one would write without unvault: prints the secret ``secret/app#password``."""

import os

import hvac

client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
answer = client.secrets.kv.v2.read_secret_version(
    path="app", mount_point="secret", raise_on_deleted_version=True
)
print(answer["data"]["data"]["password"])
