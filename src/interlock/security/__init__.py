"""What must not be read by others: access tokens, sealed at rest."""
