"""What every app may use and what knows no app: identifiers, secrets, encryption. Nothing here imports Django, except `common.django`."""
