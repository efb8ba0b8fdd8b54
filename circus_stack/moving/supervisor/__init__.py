"""supervisord.conf to our ini."""
