"""What one would write without unvault: prints the password of the secret ``prod/db``."""

import json

import boto3

client = boto3.client("secretsmanager")
answer = client.get_secret_value(SecretId="prod/db")
print(json.loads(answer["SecretString"])["password"])
