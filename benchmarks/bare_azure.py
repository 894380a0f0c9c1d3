"""What one would write without unvault: prints the secret ``db-password`` of the vault ``app``."""

import os

from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient

names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
credential = ClientSecretCredential(*[os.environ[name] for name in names])
client = SecretClient("https://app.vault.azure.net", credential)
print(client.get_secret("db-password").value)
