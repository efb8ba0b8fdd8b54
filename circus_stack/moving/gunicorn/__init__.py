"""gunicorn.conf.py to our ini."""
