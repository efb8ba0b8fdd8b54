"""A Procfile, with the .env file beside it, to our ini."""
