"""What one would write without unvault: prints the password of the secret ``prod-db``."""

import json
import os

from google.cloud import secretmanager

client = secretmanager.SecretManagerServiceClient(
    client_options={"api_endpoint": os.environ["ENDPOINT"]}
)
answer = client.access_secret_version(name="projects/acme/secrets/prod-db/versions/latest")
print(json.loads(answer.payload.data)["password"])
