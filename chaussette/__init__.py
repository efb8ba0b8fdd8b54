"""A WSGI worker that serves on a socket it inherited. Stands alone: never imports circus_stack."""
