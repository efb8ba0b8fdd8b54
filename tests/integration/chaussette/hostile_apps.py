"""An application that reads its body and names the path that it was asked for."""


def app(environ, start_response):
    """The path, the length of the body, and what a header with an underscore would have set."""
    size = body_size(environ)
    body = f"<{environ['PATH_INFO']} {size} {environ.get('HTTP_X_USER', '-')}>".encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def body_size(environ):
    """How much there was to read; "/swallow" makes nothing of a body that cannot be read."""
    try:
        return len(environ["wsgi.input"].read())
    except OSError:
        if environ["PATH_INFO"] != "/swallow":
            raise
        return -1
